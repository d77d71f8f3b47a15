"""What stays cost: started minutes, whole fen, bounds; and the deadlines of terms."""

from datetime import UTC, datetime, timedelta

import pytest

from reservation.policy import CHARGE_MAX, Policy, Terms, cost, share

AT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
TERMS = Terms.of(Policy())


@pytest.mark.parametrize(
    ("per_hour", "stay", "fen"),
    [
        (500, HOUR, 500),
        (500, HOUR + timedelta(microseconds=1), 500),
        (500, HOUR + timedelta(milliseconds=1), 509),
        (500, timedelta(seconds=1), 9),
        (0, HOUR, 0),
        (1, MINUTE, 1),
        (1_000_000, timedelta(days=400), CHARGE_MAX),
    ],
)
def test_by_started_minutes_rounded_up(per_hour: int, stay: timedelta, fen: int) -> None:
    assert cost(per_hour, stay) == fen


def test_a_share_is_rounded_down() -> None:
    assert (share(999, 3_000), share(1, 9_999), share(7, 10_000)) == (299, 0, 7)


def test_cancelling_is_free_up_to_the_last_moment_of_it() -> None:
    until = TERMS.free_until(AT)
    assert TERMS.cancel_fee(AT, until, 1_000) == 0
    assert TERMS.cancel_fee(AT, until + timedelta(microseconds=1), 1_000) == 300


def test_overstaying_costs_nothing_within_the_grace_and_all_of_it_afterwards() -> None:
    assert TERMS.overstay_fee(AT, TERMS.leave_by(AT)) == 0
    assert TERMS.overstay_fee(AT, AT + 16 * MINUTE) == cost(1_000, 16 * MINUTE)


def test_extending_pays_for_what_is_added_and_for_overstaying_first() -> None:
    assert TERMS.extension_price(AT, AT + HOUR, AT - HOUR) == 500
    assert TERMS.extension_price(AT, AT + HOUR, AT + 15 * MINUTE) == 500
    assert TERMS.extension_price(AT, AT + HOUR, AT + 30 * MINUTE) == 500 + 250


def test_nobody_must_come_later_than_the_end() -> None:
    assert TERMS.latest(AT, AT + HOUR) == AT + 30 * MINUTE
    assert TERMS.latest(AT, AT + 10 * MINUTE) == AT + 10 * MINUTE
