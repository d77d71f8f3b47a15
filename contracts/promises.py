"""What reservation tells the others: how many spaces of a car park are promised and must not be counted as free; and
when what a lent space earned is its owner's, which billing keeps to as well.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Final

from contracts.ids import CarParkId

OWNERS_MONEY_HELD_FOR: Final = timedelta(hours=48)
"""After a stay: long enough for whoever objects."""

TellPromised = Callable[[Mapping[CarParkId, int]], Awaitable[None]]
"""occupancy's verb: from now on so many are promised at each of these car parks; those not named stay as they are.

Opens its own transactions, and publishes what changed after each.
"""
