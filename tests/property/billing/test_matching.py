"""A bill with differences that were put into it: every one is found once, and nothing else."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.channels.protocol import LineKind
from billing.matching import LATE_WITHIN, Differs, Kind, Line, Ours, Way, compare, owing, ways

ENDS = datetime(2026, 11, 23, 16, tzinfo=UTC)
FAULTS = ["none", "none", "none", "earlier", "not done", *Kind]
Seeded = Counter[tuple[str, LineKind, str]]

items = st.lists(
    st.tuples(
        st.sampled_from(LineKind),
        st.sampled_from(FAULTS),
        st.integers(1, 10**6),
        st.integers(1, 500),
        st.integers(0, 3),
    ),
    max_size=40,
)


def world(drawn: list[tuple[LineKind, str, int, int, int]]) -> tuple[list[Line], list[Ours], Seeded]:
    """Lines, what we have, and the differences between them."""
    lines: list[Line] = []
    ours: list[Ours] = []
    seeded: Seeded = Counter()
    for place, (item, fault, amount, off, more) in enumerate(drawn):
        number = f"n{place}"
        at = ENDS - LATE_WITHIN - timedelta(minutes=off)
        said = [amount]
        is_done, is_billed, is_there = True, False, True
        match fault:
            case "earlier":  # the channel had it in an earlier bill: it is asked for by nobody
                said, is_billed = [], True
            case "not done":
                said, is_done = [], False
            case Kind.MISSING_HERE | Kind.UNKNOWN_REFUND:
                is_there = False
                kind = Kind.MISSING_HERE if item is LineKind.PAYMENT else Kind.UNKNOWN_REFUND
                seeded[kind, item, number] += 1
            case Kind.MISSING_THERE:
                said = []
                seeded[fault, item, number] += 1
            case Kind.LATE:
                said, at = [], ENDS - LATE_WITHIN + timedelta(minutes=min(off, 29))
                seeded[fault, item, number] += 1
            case Kind.AMOUNT:
                said = [amount + off]
                seeded[fault, item, number] += 1
            case Kind.STATE:
                is_done = False
                seeded[fault, item, number] += 1
            case Kind.DOUBLED:
                is_billed = more % 2 == 1  # its first line may be in an earlier bill
                said = [amount] * (more + 1 if is_billed else more + 2)
                seeded[fault, item, number] += more + 1
        lines += [Line(id=0, kind=item, number=number, amount=one) for one in said]
        if is_there:
            one = Ours(id=number, kind=item, number=number, amount=amount, is_done=is_done, at=at, is_billed=is_billed)
            ours.append(one)
    return (
        [Line(id=place, kind=one.kind, number=one.number, amount=one.amount) for place, one in enumerate(lines)],
        ours,
        seeded,
    )


@given(items, st.randoms(use_true_random=False))
def test_every_difference_is_found_once_and_none_is_invented(
    drawn: list[tuple[LineKind, str, int, int, int]], chance: random.Random
) -> None:
    lines, ours, seeded = world(drawn)
    chance.shuffle(lines)
    compared = compare(lines, {one.named: one for one in ours}, ours, ends=ENDS)
    assert Counter((one.kind, one.item, one.number) for one in compared.differences) == seeded
    assert all(line.named == one.named and line.amount == one.amount for line, one in compared.same)
    told = [one.line.id for one in compared.differences if one.line is not None] + [
        line.id for line, _ in compared.same
    ]
    assert sorted(told) == list(range(len(lines))), "each line is ours, or differs, once"


@given(items)
def test_what_it_is_off_by_is_what_the_ledger_is_off_by(drawn: list[tuple[LineKind, str, int, int, int]]) -> None:
    """Ours added up, less the lines added up, is what the differences come to: no fen is left unexplained."""
    lines, ours, _ = world(drawn)
    compared = compare(lines, {one.named: one for one in ours}, ours, ends=ENDS)
    moved = sum(_signed(one.kind, one.amount) for one in ours if one.is_done and not one.is_billed)
    said = sum(_signed(line.kind, line.amount) for line in lines)
    assert sum(off(one) for one in compared.differences) == moved - said


def off(one: Differs) -> int:
    return owing(one.item, one.our_amount, None if one.line is None else one.line.amount)


def _signed(item: LineKind, amount: int) -> int:
    return amount if item is LineKind.PAYMENT else -amount


@pytest.mark.parametrize(
    ("kind", "item", "ours", "theirs", "is_ours", "allowed"),
    [
        (Kind.MISSING_HERE, LineKind.PAYMENT, None, 500, False, {Way.SUSPENSE}),
        (Kind.MISSING_THERE, LineKind.PAYMENT, 500, None, True, {Way.SUSPENSE, Way.LOSS}),
        (Kind.AMOUNT, LineKind.PAYMENT, 500, 600, True, {Way.SUSPENSE, Way.REFUND}),
        (Kind.AMOUNT, LineKind.PAYMENT, 500, 400, True, {Way.SUSPENSE, Way.LOSS}),
        (Kind.DOUBLED, LineKind.PAYMENT, None, 500, True, {Way.SUSPENSE, Way.REFUND}),
        (Kind.DOUBLED, LineKind.REFUND, None, 500, True, {Way.SUSPENSE, Way.LOSS}),
        (Kind.UNKNOWN_REFUND, LineKind.REFUND, None, 500, False, {Way.SUSPENSE, Way.LOSS}),
        (Kind.MISSING_THERE, LineKind.REFUND, 500, None, True, {Way.SUSPENSE}),
        (Kind.LATE, LineKind.PAYMENT, 500, None, True, set()),
    ],
)
def test_who_bears_what(
    kind: Kind, item: LineKind, ours: int | None, theirs: int | None, is_ours: bool, allowed: set[Way]
) -> None:
    """A loss is where money is not there; what came too much is set aside or given back, and nobody keeps it."""
    assert ways(kind, item, ours, theirs, is_ours=is_ours) == allowed
