"""What may become of a promise: every step from every state, the deadlines, and what is left of what it took."""

from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta

import pytest

from reservation.lifecycle import (
    ACTIVE,
    Promise,
    State,
    cancelled,
    checked_in,
    completed,
    confirmed,
    extended,
    is_consistent,
    seen_at,
)

AT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
HELD = Promise(
    begins=AT + HOUR,
    until=AT + 2 * HOUR,
    occupies_from=AT + HOUR,
    occupies_until=AT + 2 * HOUR,
    hold_expires_at=AT + 5 * MINUTE,
    latest=AT + HOUR + 30 * MINUTE,
)
CONFIRMED = confirmed(HELD, AT + MINUTE)
INSIDE = checked_in(CONFIRMED, AT + HOUR)
ALL = {
    State.HELD: HELD,
    State.CONFIRMED: CONFIRMED,
    State.CHECKED_IN: INSIDE,
    State.COMPLETED: completed(INSIDE, AT + 2 * HOUR),
    State.EXPIRED: seen_at(HELD, HELD.hold_expires_at),
    State.CANCELLED: cancelled(CONFIRMED, AT + 2 * MINUTE, fee=7),
    State.NO_SHOW: seen_at(CONFIRMED, CONFIRMED.latest + MINUTE, no_show_fee=500),
}
STEPS: dict[str, tuple[Callable[[Promise], Promise], Collection[State]]] = {
    "confirmed": (lambda promise: confirmed(promise, AT), {State.HELD}),
    "checked_in": (lambda promise: checked_in(promise, AT), {State.CONFIRMED}),
    "extended": (lambda promise: extended(promise, AT + 9 * HOUR, latest=AT + 9 * HOUR), ACTIVE),
    "cancelled": (lambda promise: cancelled(promise, AT, fee=0), {State.HELD, State.CONFIRMED}),
    "completed": (lambda promise: completed(promise, AT), {State.CHECKED_IN}),
}


def test_there_is_one_of_each_and_every_one_can_be() -> None:
    assert set(ALL) == set(State)
    assert all(promise.state is state and is_consistent(promise) for state, promise in ALL.items())


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("state", State)
def test_each_step_follows_only_where_the_picture_has_an_arrow(name: str, state: State) -> None:
    step, follows = STEPS[name]
    if state in follows:
        assert is_consistent(step(ALL[state]))
    else:
        with pytest.raises(ValueError, match=f"it is {state}"):
            step(ALL[state])


def test_a_hold_is_over_at_its_deadline_and_an_arrival_after_it() -> None:
    assert seen_at(HELD, HELD.hold_expires_at - timedelta(microseconds=1)) is HELD
    assert seen_at(HELD, HELD.hold_expires_at).state is State.EXPIRED
    assert seen_at(CONFIRMED, CONFIRMED.latest) is CONFIRMED
    late = seen_at(CONFIRMED, CONFIRMED.latest + timedelta(microseconds=1), no_show_fee=500)
    assert (late.state, late.fee) == (State.NO_SHOW, 500)


def test_a_guest_overstays_from_the_end_on() -> None:
    assert not seen_at(INSIDE, INSIDE.until - MINUTE).overstaying
    late = seen_at(INSIDE, INSIDE.until)
    assert (late.state, late.overstaying) == (State.CHECKED_IN, True)
    assert not extended(late, INSIDE.until + HOUR, latest=INSIDE.latest).overstaying
    assert completed(late, INSIDE.until + MINUTE, fee=20).overstaying
    assert not completed(INSIDE, INSIDE.until).overstaying


@pytest.mark.parametrize(
    ("ended_at", "left_from", "left_until"),
    [
        (AT, AT + HOUR, AT + HOUR),
        (AT + HOUR + 20 * MINUTE, AT + HOUR, AT + HOUR + 20 * MINUTE),
        (AT + 3 * HOUR, AT + HOUR, AT + 2 * HOUR),
    ],
)
def test_what_is_left_of_it_is_free(ended_at: datetime, left_from: datetime, left_until: datetime) -> None:
    over = completed(INSIDE, ended_at)
    assert (over.occupies_from, over.occupies_until) == (left_from, left_until)


def test_an_early_guest_takes_from_the_arrival_on() -> None:
    early = checked_in(CONFIRMED, AT + 50 * MINUTE)
    assert (early.occupies_from, early.begins) == (AT + 50 * MINUTE, CONFIRMED.begins)


def test_whoever_had_to_come_before_a_short_end_may_come_later_when_it_is_later() -> None:
    later = AT + HOUR + 45 * MINUTE
    assert extended(CONFIRMED, AT + 3 * HOUR, latest=later).latest == later
    assert extended(CONFIRMED, AT + 3 * HOUR, latest=AT).latest == CONFIRMED.latest
    with pytest.raises(ValueError, match="not later"):
        extended(CONFIRMED, CONFIRMED.until, latest=later)
