"""Which days a rule is for: names of weekdays, working days, weekends, holidays, and sets the tariff names itself."""

from collections.abc import Iterable
from datetime import date
from typing import Annotated, Final

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from billing.tariffs.calendar import Calendar
from billing.tariffs.words import Frozen

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
KINDS: Final = ("all", "workday", "weekend", "holiday", "statutory", *WEEKDAYS)
_NAMED: Final = ("holiday:", "set:")


def _day(word: str) -> str:
    if word in KINDS or (word.startswith(_NAMED) and word.partition(":")[2]):
        return word
    raise PydanticCustomError(
        "day",
        "'{word}' is no kind of day: write mon ... sun, all, workday, weekend, holiday, statutory,"
        " holiday:NAME (e.g. holiday:national_day) or set:NAME of a set of the tariff's calendar",
        {"word": word},
    )


Day = Annotated[
    str,
    AfterValidator(_day),
    Field(
        description="`workday`: people work (a weekend day worked in lieu too). `weekend`: Saturday or Sunday that is"
        " neither worked nor in a holiday. `holiday`: a public holiday, in China the whole break with its weekends."
        " `statutory`: the feast days themselves. `holiday:NAME`: a day of that holiday's break. `set:NAME`: as named.",
        examples=["workday", "sat", "holiday", "holiday:spring_festival", "set:peak"],
    ),
]
MonthDay = Annotated[str, Field(pattern=r"^(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$", examples=["03-15"])]


class Season(Frozen):
    """The same days every year, both ends belonging to it; it may run over the new year."""

    from_day: MonthDay = Field(title="first day", description="MM-DD")
    until_day: MonthDay = Field(title="last day", description="MM-DD")

    def has(self, day: date) -> bool:
        """Whether `day` lies in it."""
        at = f"{day:%m-%d}"
        if self.from_day <= self.until_day:
            return self.from_day <= at <= self.until_day
        return at >= self.from_day or at <= self.until_day


class DaySet(Frozen):
    """Days that the tariff names: dates, seasons, or the days of a season that are of a kind."""

    dates: frozenset[date] = Field(default=frozenset(), title="dates", examples=[["2026-05-16"]], max_length=2000)
    seasons: tuple[Season, ...] = Field(default=(), title="seasons", max_length=50)
    days: tuple[Day, ...] = Field(
        default=("all",), title="only these days of the seasons", description="Dates are not filtered by it.",
        min_length=1, max_length=20,
    )  # fmt: skip

    @model_validator(mode="after")
    def _plain(self) -> "DaySet":
        if any(word.startswith("set:") for word in self.days):
            raise PydanticCustomError("day_set", "a set cannot be made of other sets; list their dates or seasons here")
        return self


class CalendarRule(Frozen):
    """Whose holidays count, and the sets of days that the tariff's rules name."""

    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] = Field(
        default="CN", title="country", description="ISO 3166-1: its public holidays are `holiday`.", examples=["CN"]
    )
    subdivision: str | None = Field(default=None, title="subdivision", max_length=10, examples=["BY"])
    sets: dict[str, DaySet] = Field(
        default_factory=dict, title="sets of days", max_length=50,
        examples=[{"peak": {"seasons": [{"from_day": "03-15", "until_day": "05-31"}], "days": ["weekend"]}}],
    )  # fmt: skip


def is_day(words: Iterable[str], day: date, rule: CalendarRule, calendar: Calendar) -> bool:
    """Whether `day` is of one of the kinds."""
    return any(_is(word, day, rule, calendar) for word in words)


def unknown_sets(words: Iterable[str], rule: CalendarRule) -> list[str]:
    """The names of sets that nobody defined."""
    return [word for word in words if word.startswith("set:") and word[4:] not in rule.sets]


def _is(word: str, day: date, rule: CalendarRule, calendar: Calendar) -> bool:
    if word in WEEKDAYS:
        return WEEKDAYS[day.weekday()] == word
    if word.startswith("set:"):
        named = rule.sets[word[4:]]
        return day in named.dates or (
            any(season.has(day) for season in named.seasons) and is_day(named.days, day, rule, calendar)
        )
    if word.startswith("holiday:"):
        return word[8:] in calendar.names(day)
    match word:
        case "all":
            return True
        case "workday":
            return calendar.is_workday(day)
        case "weekend":
            return calendar.is_weekend(day)
        case "statutory":
            return calendar.is_statutory(day)
        case _:
            return calendar.is_holiday(day)
