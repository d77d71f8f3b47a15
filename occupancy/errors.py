"""Occupancy's problems: states of the world that a caller is told about."""

from contracts import problems
from kernel.problems import Problem

UnknownCarPark = problems.UnknownCarPark
WrongState = problems.WrongState


class UnknownDriftProposal(Problem):
    """The car park has no such proposal of a correction"""

    status = 404
    slug = "unknown-drift-proposal"
