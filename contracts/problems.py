"""Problems that several services speak of: one class, so that one type has one title wherever it is met."""

from kernel.problems import Problem


class UnknownCarPark(Problem):
    """No such car park

    The car park is not registered, or it belongs to an operator whom these credentials do not cover.
    """

    status = 404
    slug = "unknown-car-park"
