"""Occupancy's problems: states of the world that a caller is told about."""

from contracts import problems
from kernel.problems import Problem

UnknownCarPark = problems.UnknownCarPark


class UnknownDriftProposal(Problem):
    """The car park has no such proposal of a correction"""

    status = 404
    slug = "unknown-drift-proposal"


class WrongState(Problem):
    """It is not in the state for that"""

    status = 409
    slug = "wrong-state"
