"""When an owner lends a space: windows that recur, less exceptions, laid out in absolute time. Pure.

Windows are wall-clock times of the car park. One rule decides everything that clocks do: a window begins when the clock
there first shows `from_time` of its day or later, and ends when it first shows `until_time` or later. So a window that
begins in an hour that is skipped begins right after it, one that ends in it ends right before, and in an hour that
comes twice the first of the two counts: the owner has the space back no later than said. Windows that touch are one.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Final, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from kernel.moments import Moment
from reservation.recurrence import COMES_WITHIN, RULE_CHARACTERS_MAX, rule_of

WINDOWS_MAX: Final = 20
EXCEPTIONS_MAX: Final = 200
"""Each is looked at whenever slots are laid out: a year of single days off fits."""
_SECOND: Final = timedelta(seconds=1)

ClockTime = Annotated[str, StringConstraints(pattern=r"^(?:[01][0-9]|2[0-3]):[0-5][0-9]$"), Field(examples=["08:00"])]
EndTime = Annotated[
    str, StringConstraints(pattern=r"^(?:(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"), Field(examples=["18:30"])
]
Day = Annotated[date, Field(ge=date(2020, 1, 1), le=date(2199, 12, 31))]


class Span(NamedTuple):
    """`[begins, until)` in UTC."""

    begins: datetime
    until: datetime


class LentWindow(BaseModel):
    """On the days of `rrule` from `starts_on` to `ends_on`, from `from_time` to `until_time` by the car park's clock.

    An `until_time` that is earlier than `from_time` is the next day's; the whole day is 00:00 to 24:00.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    from_time: ClockTime
    until_time: EndTime
    starts_on: Day
    ends_on: Day | None = Field(
        default=None, description="The last day on which it may begin; null: until further notice."
    )
    rrule: str = Field(
        max_length=RULE_CHARACTERS_MAX,
        description="RFC 5545, by days, weeks, months or years.",
        examples=["FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"],
    )

    @field_validator("rrule")
    @classmethod
    def _comes_true(cls, text: str, known: ValidationInfo) -> str:
        try:
            rule = rule_of(text)
        except ValueError as refused:
            raise PydanticCustomError("rrule", "{why}", {"why": str(refused)}) from None
        starts_on = known.data.get("starts_on")
        if starts_on is not None:
            ends = date.max if rule.ends is None else rule.ends.date() + timedelta(days=1)  # the zone is not known here
            last = min(starts_on + COMES_WITHIN, known.data.get("ends_on") or date.max, ends)
            if next(rule.days(starts_on, last), None) is None:
                raise PydanticCustomError("rrule", "names no day from starts_on to {last}", {"last": last.isoformat()})
        return text

    @model_validator(mode="after")
    def _forward(self) -> "LentWindow":
        if self.from_time == self.until_time:
            raise PydanticCustomError("window", "until_time is from_time: the whole day is 00:00 to 24:00")
        if self.ends_on is not None and self.ends_on < self.starts_on:
            raise PydanticCustomError("window", "ends_on must not be before starts_on")
        return self


class Away(BaseModel):
    """`[from, until)`, with offsets: the owner needs the space then."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True)

    begins: Moment = Field(alias="from")
    until: Moment

    @model_validator(mode="after")
    def _forward(self) -> "Away":
        if self.begins >= self.until:
            raise PydanticCustomError("window", "until must be later than from")
        return self


Exception_ = Annotated[Day | Away, Field(description="A whole day of the car park's calendar, or a time.")]
Windows = Annotated[Sequence[LentWindow], Field(min_length=1, max_length=WINDOWS_MAX)]
Exceptions = Annotated[Sequence[Exception_], Field(max_length=EXCEPTIONS_MAX)]


def lent_between(
    windows: Iterable[LentWindow], exceptions: Iterable[Exception_], zone: ZoneInfo, within: Span
) -> list[Span]:
    """When the space is lent `within`, in order; no two touch."""
    opened = merged(span for window in windows for span in _occurrences(window, zone, within))
    closed = merged(_closed(one, zone) for one in exceptions)
    clipped = (Span(max(one.begins, within.begins), min(one.until, within.until)) for one in opened)
    return less([one for one in clipped if one.begins < one.until], closed)


def merged(spans: Iterable[Span]) -> list[Span]:
    """The same time in as few spans as possible, in order; empty ones are dropped."""
    found: list[Span] = []
    for span in sorted(spans):
        if span.begins >= span.until:
            continue
        if found and span.begins <= found[-1].until:
            found[-1] = Span(found[-1].begins, max(found[-1].until, span.until))
        else:
            found.append(span)
    return found


def less(spans: Sequence[Span], taken: Sequence[Span]) -> list[Span]:
    """What is left of `spans` without `taken`; both are as `merged` gives them."""
    left: list[Span] = []
    for begins, until in spans:
        since = begins
        for away in taken:
            if away.until <= since or away.begins >= until:
                continue
            if since < away.begins:
                left.append(Span(since, away.begins))
            since = away.until
        if since < until:
            left.append(Span(since, until))
    return left


def instant(local: datetime, zone: ZoneInfo) -> datetime:
    """When the clock of `zone` first shows the naive `local` time or later, in UTC."""
    first = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if first.astimezone(zone).replace(tzinfo=None) == local:
        return first
    # It is skipped. Read by the offset after the change it is before it, by the one before it is after.
    before, after = local.replace(tzinfo=zone, fold=1).astimezone(UTC), first
    while after - before > _SECOND:
        middle = before + (after - before) // 2 // _SECOND * _SECOND
        shows_later = middle.astimezone(zone).replace(tzinfo=None) >= local
        before, after = (before, middle) if shows_later else (middle, after)
    return after


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """When `day` begins there, in UTC."""
    return instant(datetime.combine(day, time()), zone)


def _occurrences(window: LentWindow, zone: ZoneInfo, within: Span) -> Iterator[Span]:
    rule = rule_of(window.rrule)
    first = within.begins.astimezone(zone).date() - timedelta(days=2)
    last = min(within.until.astimezone(zone).date(), window.ends_on or date.max)
    begins_at, wholly = time.fromisoformat(window.from_time), window.until_time == "24:00"
    ends_at = time() if wholly else time.fromisoformat(window.until_time)
    until_next_day = wholly or window.until_time < window.from_time
    for day in rule.days(window.starts_on, last):
        begins = datetime.combine(day, begins_at)
        if rule.is_over(begins, zone):
            return
        if day < first:
            continue
        ends = datetime.combine(day + timedelta(days=1) if until_next_day else day, ends_at)
        yield Span(instant(begins, zone), instant(ends, zone))


def _closed(one: Exception_, zone: ZoneInfo) -> Span:
    if isinstance(one, Away):
        return Span(one.begins, one.until)
    return Span(midnight(one, zone), midnight(one + timedelta(days=1), zone))
