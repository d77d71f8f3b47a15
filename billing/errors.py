"""The problems of billing, one class each; every 409 says what to do."""

from contracts import problems
from kernel.problems import Problem

UnknownCarPark = problems.UnknownCarPark
UnknownOperator = problems.UnknownOperator
WrongState = problems.WrongState


class UnknownCharge(Problem):
    """No such charge

    It was never made, or it is somebody else's.
    """

    status = 404
    slug = "unknown-charge"
