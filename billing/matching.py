"""Ours beside the channel's bill, line by line: each difference once, none invented. Pure.

What both call by the same number is the same thing, whichever day either puts it on. So nothing is missing that stands
in the next day's bill, and what a bill has twice differs once.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from msgspec import Struct

from billing.channels.protocol import LineKind

LATE_WITHIN: Final = timedelta(minutes=30)
"""So near to midnight the channel may have put it on the next day."""

Named = tuple[LineKind, str]
"""A payment by its out_trade_no, a refund by its out_refund_no."""


class Kind(StrEnum):
    """How the two differ."""

    MISSING_HERE = "missing_here"
    """The channel has a payment that we never asked for."""
    MISSING_THERE = "missing_there"
    """We have it, and no bill does."""
    AMOUNT = "amount"
    DOUBLED = "doubled"
    """The channel has it once more."""
    STATE = "state"
    """The channel has done what we do not know to be done."""
    LATE = "late"
    """Near midnight, and not in the bill of its day: perhaps in the next one."""
    UNKNOWN_REFUND = "unknown_refund"
    """The channel gave back what we never asked it to."""


class Way(StrEnum):
    """How a difference came to its end."""

    ITSELF = "itself"
    """The two say the same by now."""
    SUSPENSE = "suspense"
    """It is somebody's, and set aside until he is found."""
    LOSS = "loss"
    """The money is not there, and does not come."""
    REFUND = "refund"
    """What came too much goes back to whoever paid it."""


class Line(Struct, frozen=True, kw_only=True):
    """Of a bill. `amount` is positive in refunds too."""

    id: int
    kind: LineKind
    number: str
    amount: int

    @property
    def named(self) -> Named:
        return self.kind, self.number


class Ours(Struct, frozen=True, kw_only=True):
    """A payment or refund of ours; `is_billed`: a line of some bill is it already."""

    id: str
    kind: LineKind
    number: str
    amount: int
    is_done: bool
    at: datetime
    is_billed: bool = False

    @property
    def named(self) -> Named:
        return self.kind, self.number


class Differs(Struct, frozen=True, kw_only=True):
    """A difference that was found: `line` None, it is in no bill; `ours` None, we have none."""

    kind: Kind
    item: LineKind
    number: str
    line: Line | None = None
    ours: Ours | None = None

    @property
    def our_amount(self) -> int | None:
        """What the ledger has of it beside the line: nothing of what is not done, or is in the bill once already."""
        has_moved = self.ours is not None and self.ours.is_done and self.kind is not Kind.DOUBLED
        return self.ours.amount if has_moved and self.ours is not None else None


class Compared(Struct, frozen=True):
    """`same`: the lines that are ours, to the fen."""

    same: tuple[tuple[Line, Ours], ...]
    differences: tuple[Differs, ...]


def compare(lines: Iterable[Line], ours: Mapping[Named, Ours], expected: Iterable[Ours], *, ends: datetime) -> Compared:
    """The new `lines` of a day that `ends` then, beside what they name, and what of ours was `expected` in them."""
    same, differences = [], []
    billed = {named for named, one in ours.items() if one.is_billed}
    for line in lines:
        one = ours.get(line.named)
        kind = Kind.DOUBLED if line.named in billed else how(line, one)
        billed.add(line.named)
        if kind is None and one is not None:
            same.append((line, one))
        elif kind is not None:
            differences.append(Differs(kind=kind, item=line.kind, number=line.number, line=line, ours=one))
    for one in expected:
        if one.is_done and not one.is_billed and one.named not in billed:
            kind = Kind.LATE if one.at >= ends - LATE_WITHIN else Kind.MISSING_THERE
            differences.append(Differs(kind=kind, item=one.kind, number=one.number, ours=one))
    return Compared(tuple(same), tuple(differences))


def how(line: Line, one: Ours | None) -> Kind | None:
    """How the first line of its number differs from ours; None: not at all."""
    if one is None:
        return Kind.MISSING_HERE if line.kind is LineKind.PAYMENT else Kind.UNKNOWN_REFUND
    if not one.is_done:
        return Kind.STATE
    return Kind.AMOUNT if one.amount != line.amount else None


def owing(item: LineKind, ours: int | None, theirs: int | None) -> int:
    """By how much our ledger says that the channel has more than its bill says, fen; negative: it says less."""
    more = (ours or 0) - (theirs or 0)
    return more if item is LineKind.PAYMENT else -more


def ways(kind: Kind, item: LineKind, ours: int | None, theirs: int | None, *, is_ours: bool) -> frozenset[Way]:
    """How somebody may end it. What is only late waits; `is_ours`: there is a payment to give back of."""
    if kind is Kind.LATE:
        return frozenset()
    owed = owing(item, ours, theirs)
    if owed > 0:
        return frozenset({Way.SUSPENSE, Way.LOSS})
    can_give_back = is_ours and item is LineKind.PAYMENT and owed < 0
    return frozenset({Way.SUSPENSE, Way.REFUND} if can_give_back else {Way.SUSPENSE})
