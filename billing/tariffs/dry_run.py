"""What past stays would have cost by another version: what an operator sees before a tariff is put in force. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from heapq import nlargest
from typing import Final

from msgspec import Struct

from billing.tariffs.calendar import Calendar
from billing.tariffs.concession import Held
from billing.tariffs.fee import NoPlanFits, StayImpossible, Vehicle, Visit
from billing.tariffs.rate import rate
from billing.tariffs.tariff import TariffVersion

EXAMPLES_MAX: Final = 20
"""Of the largest differences; whoever reads more wants the list of sessions."""


class PastStay(Struct, frozen=True, kw_only=True):
    """A stay that is over, and what it was charged in minor units."""

    id: str
    entry: datetime
    exit: datetime
    charged: int
    vehicle: Vehicle = Vehicle()
    earlier: Sequence[Visit] = ()
    held: Sequence[Held] = ()


class Difference(Struct, frozen=True):
    """One stay, what it was charged, and what it would be charged."""

    id: str
    was: int
    would_be: int


class DryRun(Struct, frozen=True, kw_only=True):
    """The sums over all stays that the new version prices; `unpriced` are those for which it has no plan."""

    stays: int
    was: int
    would_be: int
    dearer: int
    cheaper: int
    unpriced: tuple[str, ...]
    largest: tuple[Difference, ...]


def dry_run(version: TariffVersion, past: Iterable[PastStay], *, calendar: Calendar | None = None) -> DryRun:
    """Price `past` by `version`, whatever its dates; a stay with concessions that it does not have is unpriced."""
    differences: list[Difference] = []
    unpriced: list[str] = []
    for stay in past:
        try:
            fee = rate(
                version,
                stay.entry,
                stay.exit,
                vehicle=stay.vehicle,
                calendar=calendar,
                earlier=stay.earlier,
                held=stay.held,
            )
        except (NoPlanFits, StayImpossible, KeyError):
            unpriced.append(stay.id)
        else:
            differences.append(Difference(stay.id, stay.charged, fee.total))
    changed = [one for one in differences if one.was != one.would_be]
    return DryRun(
        stays=len(differences),
        was=sum(one.was for one in differences),
        would_be=sum(one.would_be for one in differences),
        dearer=sum(one.would_be > one.was for one in changed),
        cheaper=sum(one.would_be < one.was for one in changed),
        unpriced=tuple(unpriced),
        largest=tuple(nlargest(EXAMPLES_MAX, changed, key=lambda one: abs(one.would_be - one.was))),
    )
