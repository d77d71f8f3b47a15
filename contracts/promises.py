"""What reservation tells the others: how many spaces of a car park are promised and must not be counted as free; that a
promise is over which costs something; and when what a lent space earned is its owner's, which billing keeps to as well.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Final

from contracts.ids import CarParkId

OWNERS_MONEY_HELD_FOR: Final = timedelta(hours=48)
"""After a stay: long enough for whoever objects."""

PROMISE_OVER: Final = "billing.promise"
"""The job that is left behind in the transaction in which a promise ends that costs something: billing asks for it, by
what the view `reservation.promise_cost` says. Its payload is the reservation's id.
"""

TellPromised = Callable[[Mapping[CarParkId, int]], Awaitable[None]]
"""occupancy's verb: from now on so many are promised at each of these car parks; those not named stay as they are.

Opens its own transactions, and publishes what changed after each.
"""
