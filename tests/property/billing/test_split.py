"""Who gets what, and who gives it back: to the fen, however often and in whatever portions."""

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import astuple

from billing.split import NOTHING, Parts, given_back, split
from kernel.money import apportion

fen = st.one_of(st.integers(0, 60), st.integers(0, 10**9))
parts = st.builds(Parts, fen, fen, fen)


@given(fen, st.lists(st.integers(0, 10_000), min_size=1, max_size=6).filter(any))
def test_parts_are_all_of_it_and_within_a_fen_of_their_weight(amount: int, weights: list[int]) -> None:
    found = apportion(amount, weights)
    assert sum(found) == amount
    assert all(
        abs(part * sum(weights) - amount * weight) < sum(weights) for part, weight in zip(found, weights, strict=True)
    )


def test_there_is_no_part_of_what_nobody_has() -> None:
    assert apportion(0, (0, 0)) == [0, 0]
    for amount, weights in ((1, (0, 0)), (-1, (1,)), (1, (2, -1)), (1, ())):
        with pytest.raises(ValueError, match="not negative"):
            apportion(amount, weights)


@given(parts, st.lists(st.integers(0, 10**9), max_size=12))
@example(Parts(6, 6, 2), list(range(15)))  # by the largest remainder 10 are 4, 4, 2 and 11 are 5, 5, 1
def test_refunds_in_any_portions_never_ask_a_part_for_more_than_its_own(whole: Parts, sums: list[int]) -> None:
    steps = sorted({0, whole.total, *(one for one in sums if one <= whole.total)})
    for before, after in pairwise(given_back(whole, refunded) for refunded in steps):
        cost = after - before
        assert min(cost.owner, cost.operator, cost.platform) >= 0
    for refunded in steps:
        cost = given_back(whole, refunded)
        assert cost.total == refunded
        for part, of in zip(astuple(cost), astuple(whole), strict=True):
            assert abs(part * whole.total - refunded * of) < max(1, whole.total), "within a fen of its ratio"
            assert part <= of
    assert given_back(whole, whole.total) == whole
    assert given_back(whole, 0) == NOTHING


@given(st.tuples(*[st.integers(0, 25)] * 3))
def test_fen_by_fen(each: tuple[int, int, int]) -> None:
    whole = Parts(*each)
    for before, after in pairwise(given_back(whole, refunded) for refunded in range(whole.total + 1)):
        cost = after - before
        assert sorted((cost.owner, cost.operator, cost.platform)) == [0, 0, 1]


def test_more_than_was_paid_is_not_given_back() -> None:
    for refunded in (-1, 11):
        with pytest.raises(ValueError, match="cannot be given back"):
            given_back(Parts(5, 3, 2), refunded)


def test_the_platform_has_what_the_owner_leaves() -> None:
    assert split(10, owner_share_bp=9_900, platform_share_bp=500) == Parts(10, 0, 0)
    assert split(1_000, owner_share_bp=7_000, platform_share_bp=500) == Parts(700, 250, 50)
