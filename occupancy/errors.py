"""Occupancy's problems: states of the world that a caller is told about."""

from kernel.problems import Problem


class UnknownCarPark(Problem):
    """The car park is not known"""

    status = 404
    slug = "unknown-car-park"
