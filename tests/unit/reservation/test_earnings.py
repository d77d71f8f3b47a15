"""What a promise brings is split to the fen, and nobody gains by rounding twice."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reservation.earnings import HELD_FOR, Split, Standing, earning, split
from reservation.lifecycle import Promise, State

AT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


def promise(state: State, *, fee: int = 0, ended_at: datetime | None = None) -> Promise:
    return Promise(
        begins=AT,
        until=AT + timedelta(hours=1),
        occupies_from=AT,
        occupies_until=AT + timedelta(hours=1),
        hold_expires_at=AT,
        latest=AT,
        state=state,
        fee=fee,
        ended_at=ended_at,
    )


@given(st.integers(0, 10**9), st.integers(0, 10_000), st.integers(0, 10_000))
def test_the_parts_are_the_whole_and_within_a_fen_of_their_share(amount: int, owner: int, platform: int) -> None:
    parts = split(amount, owner_share_bp=owner, platform_share_bp=platform)
    assert parts.total == amount
    platform = min(platform, 10_000 - owner)
    for part, share in ((parts.owner, owner), (parts.platform, platform), (parts.operator, 10_000 - owner - platform)):
        assert abs(part * 10_000 - amount * share) < 10_000
        assert part >= 0


@pytest.mark.parametrize(
    ("amount", "owner", "platform", "parts"),
    [
        (1_000, 7_000, 500, Split(700, 250, 50)),
        (1, 7_000, 500, Split(1, 0, 0)),
        (7, 7_000, 500, Split(5, 2, 0)),  # 4.9, 1.75, 0.35
        (1, 5_000, 0, Split(1, 0, 0)),  # equal remainders: the owner is first
        (3, 3_300, 3_400, Split(1, 1, 1)),
        (10, 9_900, 500, Split(10, 0, 0)),  # 9.9, 0, 0.1: what the owner leaves is all there is for the platform
        (999, 10_000, 500, Split(999, 0, 0)),
        (0, 7_000, 500, Split(0, 0, 0)),
    ],
)
def test_the_last_fen_goes_to_the_largest_remainder(amount: int, owner: int, platform: int, parts: Split) -> None:
    assert split(amount, owner_share_bp=owner, platform_share_bp=platform) == parts


def test_money_is_not_negative() -> None:
    with pytest.raises(ValueError, match="not negative"):
        split(-1, owner_share_bp=7_000, platform_share_bp=500)


@pytest.mark.parametrize(
    ("state", "fee", "total"),
    [
        (State.CONFIRMED, 0, 1_000),
        (State.CHECKED_IN, 0, 1_000),
        (State.COMPLETED, 300, 1_300),
        (State.CANCELLED, 300, 300),
        (State.NO_SHOW, 1_000, 1_000),
        (State.EXPIRED, 0, 0),
    ],
)
def test_what_is_charged_by_how_it_ended(state: State, fee: int, total: int) -> None:
    made = promise(state, fee=fee, ended_at=AT)
    assert earning(made, 1_000, AT, owner_share_bp=7_000, platform_share_bp=500).split.total == total


def test_it_is_held_for_two_days_after_the_stay() -> None:
    over = promise(State.COMPLETED, ended_at=AT)
    standings = [
        earning(over, 1_000, AT + later, owner_share_bp=0, platform_share_bp=0).standing
        for later in (timedelta(), HELD_FOR - timedelta(seconds=1), HELD_FOR)
    ]
    assert standings == [Standing.HELD, Standing.HELD, Standing.AVAILABLE]
    inside = earning(promise(State.CHECKED_IN), 1_000, AT, owner_share_bp=0, platform_share_bp=0)
    assert (inside.standing, inside.available_at) == (Standing.EXPECTED, None)
