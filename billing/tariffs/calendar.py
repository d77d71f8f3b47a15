"""Which days are holidays and which weekend days are worked in lieu: data handed to the engine. Pure.

`public_calendar` takes it from the package `holidays`, which is released every month, knows China's yearly notice with
its days worked in lieu, and every other country besides (docs/decisions/0026). A year whose notice is not out yet has
the feast days by the law and no exchanged days; operators add dates of their own in the tariff's sets.
"""

import re
from collections.abc import Mapping
from datetime import date, timedelta
from functools import lru_cache
from typing import Final

import holidays
from msgspec import Struct

_DAY: Final = timedelta(days=1)
_SUBSTITUTE: Final = ("Day off",)
_SAME: Final = {"chinese_new_years_eve": "spring_festival", "chinese_new_year": "spring_festival"}
YEARS: Final = range(2015, 2041)


class Calendar(Struct, frozen=True):
    """Holidays by date with their names, the feast days among them, and the weekend days people work."""

    holidays: Mapping[date, frozenset[str]] = {}
    statutory: frozenset[date] = frozenset()
    worked: frozenset[date] = frozenset()
    weekend: frozenset[int] = frozenset({5, 6})

    def names(self, day: date) -> frozenset[str]:
        """Of the holidays to whose break `day` belongs."""
        return self.holidays.get(day, frozenset())

    def is_holiday(self, day: date) -> bool:
        """In China the whole break, weekends in it included."""
        return day in self.holidays

    def is_statutory(self, day: date) -> bool:
        """The feast itself, without days exchanged around it."""
        return day in self.statutory

    def is_workday(self, day: date) -> bool:
        """Whether people work."""
        return day in self.worked or (day.weekday() not in self.weekend and day not in self.holidays)

    def is_weekend(self, day: date) -> bool:
        """Neither worked nor part of a holiday."""
        return day.weekday() in self.weekend and day not in self.worked and day not in self.holidays


NO_HOLIDAYS: Final = Calendar()


@lru_cache(maxsize=64)
def public_calendar(country: str = "CN", subdivision: str | None = None) -> Calendar:
    """The public holidays of a country from 2015 to 2040. Raises KeyError for one that is not known."""
    try:
        found = holidays.country_holidays(country, subdiv=subdivision, years=YEARS, language="en_US")
    except NotImplementedError as unknown:
        raise KeyError(f"no holidays are known of {country} {subdivision or ''}".rstrip()) from unknown
    worked = frozenset(getattr(found, "weekend_workdays", ()))
    weekend = frozenset(getattr(found, "weekend", {5, 6}))
    days = {day: name for day, name in found.items() if country != "CN" or day not in worked}
    statutory = frozenset(
        day for day, name in days.items() if not name.startswith(_SUBSTITUTE) and "(observed" not in name
    )
    named = {day: frozenset(_names(name)) for day, name in days.items()}
    return Calendar(_breaks(named, worked, weekend) if country == "CN" else named, statutory, worked, weekend)


def _names(name: str) -> list[str]:
    """`National Day; Mid-Autumn Festival` -> their slugs; a substituted day off has none of its own."""
    plain = [re.sub(r"\(.*?\)", "", part).replace("'", "") for part in name.split(";")]
    slugs = [re.sub(r"[^a-z0-9]+", "_", part.lower()).strip("_") for part in plain if not part.startswith(_SUBSTITUTE)]
    return [_SAME.get(slug, slug) for slug in slugs]


def _breaks(
    days: Mapping[date, frozenset[str]], worked: frozenset[date], weekend: frozenset[int]
) -> dict[date, frozenset[str]]:
    """China's breaks: days off that touch each other are one break, and each of its days has all the break's names."""

    def is_off(day: date) -> bool:
        return day in days or (day.weekday() in weekend and day not in worked)

    result: dict[date, frozenset[str]] = {}
    for day in sorted(days):
        if day in result:
            continue
        first = last = day
        while is_off(first - _DAY):
            first -= _DAY
        while is_off(last + _DAY):
            last += _DAY
        run = [first + _DAY * number for number in range((last - first).days + 1)]
        names = frozenset[str]().union(*(days.get(one, frozenset()) for one in run))
        result |= dict.fromkeys(run, names)
    return result
