"""Plates that a camera takes for one another: they differ in one character, and those look alike. Pure.

An exit that no entry precedes may be that of a vehicle inside whose plate was read otherwise. Every such session is a
proposal; one is taken without a person only where nothing speaks against it.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

ALIKE: Final = ("0DOQ", "8B", "17IT", "2Z", "5S", "6G", "CG", "UV", "MN", "EF")
_BY_CHARACTER: Final = {
    one: frozenset("".join(group for group in ALIKE if one in group)) - {one} for one in set("".join(ALIKE))
}
DAY: Final = timedelta(days=1)


def resembling(plate: str) -> set[str]:
    """All plates that it may have been: some ten to twenty."""
    return {
        plate[:place] + other + plate[place + 1 :]
        for place, character in enumerate(plate)
        for other in _BY_CHARACTER.get(character, ())
    }


class Exit(Struct, frozen=True, kw_only=True):
    """That no entry precedes. `is_known`: its plate was seen here before, so that there is such a vehicle."""

    plate: str
    color: str | None
    at: datetime
    confidence: float | None
    is_known: bool = False


class Inside(Struct, frozen=True, kw_only=True):
    """A vehicle that came before and that nobody saw leave since. `others`: other exits that may be its own."""

    session: str
    plate: str
    color: str | None
    entry_at: datetime
    confidence: float | None
    others: int = 0


class Proposal(Struct, frozen=True, kw_only=True):
    """`likelihood` orders proposals, from 0 to 1. `is_exit_wrong`: which of the two was read with less confidence."""

    session: str
    plate: str
    color: str | None
    entry_at: datetime
    likelihood: float
    is_exit_wrong: bool
    colors_agree: bool


def proposals(left: Exit, inside: Iterable[Inside]) -> list[Proposal]:
    """The likeliest first; of plates that look alike, and of the same plate in another colour."""
    alike = resembling(left.plate)
    fitting = [one for one in inside if one.entry_at < left.at and (one.plate in alike or one.plate == left.plate)]
    found = [_proposal(left, one) for one in fitting]
    return sorted(found, key=lambda one: (-one.likelihood, one.entry_at, one.session))


def decided(left: Exit, inside: Sequence[Inside], *, confidence_below: float) -> Proposal | None:
    """The one that needs no person: the only one, the colours were read and agree, one of the plates was read with
    little confidence, and neither vehicle has anything of its own that explains it.
    """
    found = proposals(left, inside)
    if len(found) != 1 or left.is_known or any(one.others for one in inside):
        return None
    (one,) = found
    (came,) = [other for other in inside if other.session == one.session]
    if one.plate == left.plate or not one.colors_agree:
        return None
    read = [confidence for confidence in (left.confidence, came.confidence) if confidence is not None]
    return one if read and min(read) < confidence_below else None


def _proposal(left: Exit, came: Inside) -> Proposal:
    agree = left.color is not None and left.color == came.color
    doubt = 1 - min(_sure(left.confidence), _sure(came.confidence))
    soon = 1 / (1 + (left.at - came.entry_at) / DAY)
    likelihood = 0.3 + 0.3 * agree + 0.2 * min(1.0, 5 * doubt) + 0.2 * soon
    if left.is_known or came.others:
        likelihood /= 3
    return Proposal(
        session=came.session,
        plate=came.plate,
        color=came.color,
        entry_at=came.entry_at,
        likelihood=round(likelihood, 3),
        is_exit_wrong=_sure(left.confidence) <= _sure(came.confidence),
        colors_agree=agree,
    )


def _sure(confidence: float | None) -> float:
    return 1.0 if confidence is None else confidence
