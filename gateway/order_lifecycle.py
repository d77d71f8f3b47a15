"""What may become of an order, and what its row then says. Pure.

    pending ──PUBACK──▶ published ──ok──▶ done
       │  │                 │  └──not ok──▶ failed
       │  └──newer text, before it is handed to the link──▶ superseded
       └──deadline──▶ expired ◀──deadline──┘

A device may answer before the broker's PUBACK is written down, so `pending` is closed by the same words as `published`;
what it answers was published by then at the latest.
What is closed stays so: a later word is a duplicate, or late where nobody had answered in time. Only a text that gave
way and is answered in time all the same was shown after all. The constraints of `gateway.device_order` say the same as
`is_consistent`, which a test holds against them.
"""

from datetime import datetime
from enum import StrEnum
from typing import Final

from msgspec import Struct
from msgspec.structs import replace as but

from contracts.orders import OrderKind, OrderState

OPEN: Final = frozenset({OrderState.PENDING, OrderState.PUBLISHED})
UNANSWERED: Final = frozenset({OrderState.EXPIRED, OrderState.SUPERSEDED})
"""Closed without the device's word: one that comes after all is kept as late."""
NO_ERROR_TOLD: Final = "the device gave no reason"

AT_A_LANE: Final = frozenset({OrderKind.OPEN_BARRIER, OrderKind.REFUSE_ENTRY})
AT_A_LOCK: Final = frozenset({OrderKind.RAISE_LOCK, OrderKind.LOWER_LOCK})


class Acknowledged(StrEnum):
    """What an acknowledgement did: the word under which the books count it."""

    STORED = "stored"
    DUPLICATE = "duplicate"
    LATE = "late"


class Order(Struct, frozen=True, kw_only=True):
    """What moves in an order. Times in UTC; `device_at` is the device's own clock, `error` its own word."""

    kind: OrderKind
    expires_at: datetime
    state: OrderState = OrderState.PENDING
    published_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_late_at: datetime | None = None
    device_at: datetime | None = None
    error: str | None = None
    closed_at: datetime | None = None
    superseded_by: str | None = None
    dispatched_at: datetime | None = None


def dispatched(order: Order, at: datetime) -> Order:
    """A text is about to be handed to the link: from now on it gives way to no newer one."""
    if order.state is not OrderState.PENDING or order.kind is not OrderKind.SHOW_TEXT:
        return order
    return but(order, dispatched_at=order.dispatched_at or at)


def published(order: Order, at: datetime) -> Order:
    """The broker has it. Also told of an order that was closed meanwhile, which stays closed."""
    state = OrderState.PUBLISHED if order.state is OrderState.PENDING else order.state
    return but(order, state=state, published_at=order.published_at or at)


def refused(order: Order, at: datetime, error: str) -> Order:
    """The broker would not have it: nobody will obey."""
    return but(order, state=OrderState.FAILED, error=error, closed_at=at) if order.state in OPEN else order


def expired(order: Order, now: datetime) -> Order:
    """Nobody answered until the deadline: it is over `now`, whether or not the sweep came by yet."""
    if order.state not in OPEN or now <= order.expires_at:
        return order
    return but(order, state=OrderState.EXPIRED, closed_at=now)


def superseded(order: Order, now: datetime, newer: str) -> Order:
    """A newer text for the same place came before this one was handed to the link."""
    if order.state is not OrderState.PENDING or order.kind is not OrderKind.SHOW_TEXT or order.dispatched_at:
        return order
    return but(order, state=OrderState.SUPERSEDED, superseded_by=newer, closed_at=now)


def acknowledged(
    order: Order, *, ok: bool, error: str | None, at: datetime, received_at: datetime
) -> tuple[Order, Acknowledged]:
    """The device's word, received at `received_at`; `at` is its own time as far as we believe it.

    The first word counts. One that comes after the deadline, or in time to a gateway that could only store it after the
    sweep, changes no state: whoever waited was told otherwise. Nobody was told of a text that gave way.
    """
    order = expired(order, received_at)
    if order.state is OrderState.SUPERSEDED and received_at <= order.expires_at:
        order = but(order, state=OrderState.PENDING, superseded_by=None)
    said = {
        "published_at": order.published_at or received_at,
        "device_at": at,
        "error": None if ok else error or NO_ERROR_TOLD,
    }
    if order.state in OPEN:
        state = OrderState.DONE if ok else OrderState.FAILED
        return but(order, state=state, acknowledged_at=received_at, closed_at=received_at, **said), Acknowledged.STORED
    if order.state in UNANSWERED and order.acknowledged_late_at is None:
        return but(order, acknowledged_late_at=received_at, **said), Acknowledged.LATE
    return order, Acknowledged.DUPLICATE


def is_consistent(order: Order) -> bool:
    """Whether such a row can be; what the table's constraints say."""
    state, answered, late = order.state, order.acknowledged_at is not None, order.acknowledged_late_at is not None
    return all(
        (
            (state in OPEN) == (order.closed_at is None),
            state is not OrderState.PENDING or order.published_at is None,
            state is not OrderState.PUBLISHED or order.published_at is not None,
            state is not OrderState.DONE or answered,
            not answered or state in (OrderState.DONE, OrderState.FAILED),
            not late or state in UNANSWERED,
            not (answered or late) or order.published_at is not None,
            (order.device_at is not None) == (answered or late),
            state is not OrderState.FAILED or order.error is not None,
            order.error is None or state is OrderState.FAILED or late,
            (state is OrderState.SUPERSEDED) == (order.superseded_by is not None),
            state is not OrderState.SUPERSEDED or order.kind is OrderKind.SHOW_TEXT,
            state is not OrderState.SUPERSEDED or order.dispatched_at is None,
        )
    )
