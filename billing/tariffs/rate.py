"""What a stay costs by a version of a tariff, line by line, and when that next rises. Pure: the door to the engine."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from billing.tariffs.calendar import Calendar, public_calendar
from billing.tariffs.concession import Held
from billing.tariffs.fee import Fee, StayImpossible, Vehicle, Visit
from billing.tariffs.pricing import Pricing
from billing.tariffs.reductions import granted, second_of
from billing.tariffs.stay import PastVisit, Stay
from billing.tariffs.tariff import TariffVersion

STAY_S_MAX: Final = 731 * 86_400
"""Two years: whoever stands longer is a matter for people."""
CALENDARS_MAX: Final = 8
"""Calendars for which a version stays ready; a service has one."""


def rate(
    version: TariffVersion,
    entry: datetime,
    exit_: datetime,
    *,
    vehicle: Vehicle = Vehicle(),
    calendar: Calendar | None = None,
    earlier: Sequence[Visit] = (),
    held: Sequence[Held] = (),
    ticket_lost: bool = False,
) -> Fee:
    """The fee of leaving at `exit_`. Times are aware; without `calendar` the country's public holidays count.

    Raises NoPlanFits, StayImpossible, KeyError (a concession in `held` that the tariff does not have).
    """
    if calendar is None:
        calendar = public_calendar(version.calendar.country, version.calendar.subdivision)
    if entry.tzinfo is None or exit_.tzinfo is None:
        raise StayImpossible("a time without an offset is no moment")
    pricing = _pricing(version, calendar)
    begins, ends = second_of(entry), second_of(exit_)
    if not begins <= ends <= begins + STAY_S_MAX:
        raise StayImpossible(f"a stay from {entry.isoformat()} until {exit_.isoformat()} cannot be priced")
    past = tuple(
        PastVisit(second_of(one.entry), second_of(one.exit), one.amount) for one in earlier if one.entry < entry
    )
    permits = frozenset(one.concession for one in held if _holds_at(one, entry)) if held else frozenset()
    stay = Stay(begins, vehicle, permits, past, 60 if version.count == "minutes" else 1)
    grants = granted(version.concessions, held) if version.concessions or held else []
    return pricing.fee(stay, ends, grants, ticket_lost=ticket_lost)


def _holds_at(one: Held, moment: datetime) -> bool:
    return (one.valid_from is None or one.valid_from <= moment) and (
        one.valid_until is None or moment < one.valid_until
    )


def _pricing(version: TariffVersion, calendar: Calendar) -> Pricing:
    known = version.worked_out.get(id(calendar))
    if isinstance(known, Pricing) and known.version is version:
        return known
    if len(version.worked_out) >= CALENDARS_MAX:
        version.worked_out.clear()
    made = version.worked_out[id(calendar)] = Pricing(version, calendar)
    return made
