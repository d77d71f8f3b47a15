"""Problems that several services speak of: one class, so that one type has one title wherever it is met."""

from kernel.problems import Problem


class UnknownCarPark(Problem):
    """No such car park

    The car park is not registered, or it belongs to an operator whom these credentials do not cover.
    """

    status = 404
    slug = "unknown-car-park"


class UnknownOperator(Problem):
    """No such operator

    The operator is not registered, or these credentials do not cover it.
    """

    status = 404
    slug = "unknown-operator"


class UnknownSpace(Problem):
    """No such space in this car park

    The label is not that of a numbered space in use.
    """

    status = 404
    slug = "unknown-space"


class UnknownZone(Problem):
    """No such zone in this car park

    The label is not that of a zone that the car park declares.
    """

    status = 404
    slug = "unknown-zone"


class UnknownLane(Problem):
    """No such lane in this car park

    The label is not that of a lane of this car park.
    """

    status = 404
    slug = "unknown-lane"


class UnknownSign(Problem):
    """No such sign

    The sign is not registered, it belongs to an operator whom these credentials do not cover, or to another one than
    the car park that is asked to set it.
    """

    status = 404
    slug = "unknown-sign"


class UnknownDevice(Problem):
    """No such device

    The device is not registered, it sends in another way, or it is not one of those that these credentials cover.
    """

    status = 404
    slug = "unknown-device"


class WrongState(Problem):
    """It is not in the state for that

    `state` says in which it is; what was asked for can only follow on certain states.
    """

    status = 409
    slug = "wrong-state"
