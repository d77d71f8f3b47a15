"""What may become of a promise, and what its row then says. Pure.

    held ──confirm──▶ confirmed ──arrival──▶ checked_in ──leaves──▶ completed
     │ └─────────────────┐ │  └──latest arrival passed──▶ no_show
     │ deadline          ▼ ▼
     └──▶ expired      cancelled

A promise takes capacity from its first second until it ends: `occupies`. Every deadline is looked at again where the
state is read or moved, whether or not the sweep came by yet (`seen_at`). The constraints of `reservation.reservation`
say the same as `is_consistent`, which a test holds against them.
"""

from datetime import datetime
from enum import StrEnum
from typing import Final

from msgspec import Struct
from msgspec.structs import replace as but


class State(StrEnum):
    """Where a promise stands. The first three take capacity; the others are its ends."""

    HELD = "held"
    CONFIRMED = "confirmed"
    CHECKED_IN = "checked_in"
    COMPLETED = "completed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"


ACTIVE: Final = frozenset({State.HELD, State.CONFIRMED, State.CHECKED_IN})


class Promise(Struct, frozen=True, kw_only=True):
    """What moves in a reservation. `[begins, until)` was promised, `[occupies_from, occupies_until)` it takes. UTC.

    `latest` is the last moment to arrive, `fee` what its end costs in fen.
    """

    begins: datetime
    until: datetime
    occupies_from: datetime
    occupies_until: datetime
    hold_expires_at: datetime
    latest: datetime
    state: State = State.HELD
    fee: int = 0
    confirmed_at: datetime | None = None
    checked_in_at: datetime | None = None
    ended_at: datetime | None = None
    overstaying: bool = False
    waits_inside: bool = False
    """Came, and could not be checked in yet: never a no-show."""

    @property
    def is_active(self) -> bool:
        """Whether it takes capacity."""
        return self.state in ACTIVE


def seen_at(promise: Promise, now: datetime, *, no_show_fee: int = 0) -> Promise:
    """The same promise looked at `now`: past its deadline it is over, and past its end a guest inside overstays."""
    if promise.state is State.HELD and now >= promise.hold_expires_at:
        return _ended(promise, State.EXPIRED, now)
    if promise.state is State.CONFIRMED and now > promise.latest and not promise.waits_inside:
        return _ended(promise, State.NO_SHOW, now, fee=no_show_fee)
    if promise.state is State.CHECKED_IN and now >= promise.until and not promise.overstaying:
        return but(promise, overstaying=True)
    return promise


def confirmed(promise: Promise, now: datetime) -> Promise:
    """From a hold in time. Raises ValueError from any other state."""
    _require(promise, State.HELD)
    return but(promise, state=State.CONFIRMED, confirmed_at=now)


def checked_in(promise: Promise, now: datetime) -> Promise:
    """The driver is there, perhaps early: what it takes begins with the arrival. Raises ValueError."""
    _require(promise, State.CONFIRMED)
    return but(promise, state=State.CHECKED_IN, checked_in_at=now, occupies_from=min(promise.occupies_from, now))


def extended(promise: Promise, until: datetime, *, latest: datetime) -> Promise:
    """To a later end; who had to be there by the end may come until `latest`. Raises ValueError when it is no later,
    or the promise is over.
    """
    _require(promise, State.HELD, State.CONFIRMED, State.CHECKED_IN)
    if until <= promise.until:
        raise ValueError("not later than it ends already")
    return but(promise, until=until, occupies_until=until, latest=max(promise.latest, latest), overstaying=False)


def cancelled(promise: Promise, now: datetime, *, fee: int) -> Promise:
    """Given back by its driver, or taken away by the car park. Raises ValueError."""
    _require(promise, State.HELD, State.CONFIRMED)
    return _ended(promise, State.CANCELLED, now, fee=fee)


def completed(promise: Promise, now: datetime, *, fee: int = 0) -> Promise:
    """The vehicle has left, early or late; `fee` is what overstaying costs. Raises ValueError."""
    _require(promise, State.CHECKED_IN)
    return but(_ended(promise, State.COMPLETED, now, fee=fee), overstaying=now > promise.until)


def is_consistent(promise: Promise) -> bool:
    """Whether such a row can be; what the table's constraints say."""
    state = promise.state
    confirmed_fits = {
        State.HELD: promise.confirmed_at is None,
        State.EXPIRED: promise.confirmed_at is None,
        State.CANCELLED: True,
    }.get(state, promise.confirmed_at is not None)
    inside = state in (State.CHECKED_IN, State.COMPLETED)
    return (
        promise.is_active == (promise.ended_at is None)
        and confirmed_fits
        and inside == (promise.checked_in_at is not None)
        and (inside or not promise.overstaying)
        and promise.begins < promise.until
        and promise.fee >= 0
    )


def _require(promise: Promise, *states: State) -> None:
    if promise.state not in states:
        raise ValueError(f"it is {promise.state}")


def _ended(promise: Promise, state: State, now: datetime, *, fee: int = 0) -> Promise:
    """What is left of what it took is free from `now` on."""
    frees_from = max(promise.occupies_from, min(promise.occupies_until, now))
    return but(promise, state=state, ended_at=now, fee=fee, occupies_until=frees_from)
