"""The gateway's problems, one class each."""

from kernel.problems import Problem


class UnknownCarPark(Problem):
    """No such car park

    The car park is not registered, or it belongs to an operator whom these credentials do not cover.
    """

    status = 404
    slug = "unknown-car-park"


class UnknownRejected(Problem):
    """No such rejected message

    It was never kept, was old enough to be forgotten, or belongs to an operator whom these credentials do not cover.
    """

    status = 404
    slug = "unknown-rejected"


class AlreadyReplayed(Problem):
    """The message was replayed already

    `replayed_at` says when; it is open again as soon as the same message is refused once more.
    """

    status = 409
    slug = "already-replayed"


class PayloadNotKept(Problem):
    """The message is too long to be replayed

    Only the beginning of it was kept: let the device send it again.
    """

    status = 409
    slug = "payload-not-kept"
