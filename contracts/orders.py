"""An order to a device as the services give it: what shall happen, until when, and for what cause.

Billing opens a barrier, reservation lowers a lock, occupancy asks for a snapshot: each calls the `GiveOrder` that
`app.compose` hands over, inside its own transaction. The order is a row of that transaction; it goes out after the
commit and is closed by the device's acknowledgement or by its deadline, whichever comes first.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from msgspec import Struct

from contracts.ids import CarParkId, LaneLabel, OrderId, SignId, SpaceLabel
from kernel.db import Tx

TEXT_CHARACTERS_MAX: Final = 64
"""Two lines of a lane's display."""
REASON_CHARACTERS_MAX: Final = 200
CAUSE_CHARACTERS_MAX: Final = 200


class OrderKind(StrEnum):
    """What a device can be told to do. Each is harmless when obeyed twice for the same order id, which devices keep."""

    OPEN_BARRIER = "open_barrier"
    REFUSE_ENTRY = "refuse_entry"
    RAISE_LOCK = "raise_lock"
    LOWER_LOCK = "lower_lock"
    SHOW_TEXT = "show_text"
    RESEND_SNAPSHOT = "resend_snapshot"


TTL: Final = {
    OrderKind.OPEN_BARRIER: timedelta(seconds=10),
    OrderKind.REFUSE_ENTRY: timedelta(seconds=10),
    OrderKind.RAISE_LOCK: timedelta(seconds=30),
    OrderKind.LOWER_LOCK: timedelta(seconds=30),
    OrderKind.SHOW_TEXT: timedelta(seconds=30),
    OrderKind.RESEND_SNAPSHOT: timedelta(seconds=60),
}
"""How long an order may still be obeyed. Whoever stood before a barrier for longer has spoken to somebody, or left."""


class OrderState(StrEnum):
    """Where an order stands. Only the first two can still change."""

    PENDING = "pending"
    """A row; not known to have reached the broker."""
    PUBLISHED = "published"
    """The broker has it; the device has not answered."""
    DONE = "done"
    FAILED = "failed"
    """The device said that it could not, or the broker refused it."""
    EXPIRED = "expired"
    """Nobody answered in time; a device that obeys now breaks the contract."""
    SUPERSEDED = "superseded"
    """A newer text for the same place took its turn before it was obeyed."""


class WantedOrder(Struct, frozen=True, kw_only=True):
    """One thing that shall happen at one car park.

    `cause` makes giving it idempotent: the same cause at the same car park is the same order, however often it is
    given; name what happened (`exit:pas_018f...`), not when. `reason` is a word for the device's own log
    (`pay_later`), `actor` who wants it (`operator:3f2a`, `billing`), which no device is told. `ttl` None = TTL of
    its kind. `lane` is where a barrier, a refusal or a text belongs, `space` where a lock is, `sign` another display.
    """

    car_park: CarParkId
    kind: OrderKind
    cause: str
    reason: str
    actor: str
    lane: LaneLabel | None = None
    space: SpaceLabel | None = None
    sign: SignId | None = None
    text: str | None = None
    ttl: timedelta | None = None


class OrderClosed(Struct, frozen=True):
    """An order came to its end: by the device's word, its deadline, or a broker that would not have it.

    `error` is the device's own, or the broker's. Of a text that gave way to a newer one nobody is told.
    """

    car_park: CarParkId
    order: OrderId
    kind: OrderKind
    cause: str
    state: OrderState
    error: str | None
    at: datetime


GiveOrder = Callable[[Tx, WantedOrder], Awaitable[OrderId]]
"""The gateway's verb, run in the transaction of the cause.

Raises what is wrong with an order that nobody could obey: UnknownCarPark, UnknownLane, UnknownSpace, MalformedBody ....
"""

OrderHandler = Callable[[Tx, OrderClosed], Awaitable[None]]
"""Whoever gave orders hears in the closing transaction what became of them; also of those that others gave."""
