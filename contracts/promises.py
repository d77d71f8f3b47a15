"""What reservation tells the others: how many spaces of a car park are promised and must not be counted as free."""

from collections.abc import Awaitable, Callable, Mapping

from contracts.ids import CarParkId

TellPromised = Callable[[Mapping[CarParkId, int]], Awaitable[None]]
"""occupancy's verb: from now on so many are promised at each of these car parks; those not named stay as they are.

Opens its own transactions, and publishes what changed after each.
"""
