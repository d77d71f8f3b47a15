"""Windows laid out equal a calendar that walks minute by minute and asks the clock on the wall, whatever clocks do."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import assume, example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from reservation.windows import Away, Exception_, LentWindow, Span, lent_between
from tests.examples import examples

MINUTE = timedelta(minutes=1)
ZONES = ("Asia/Shanghai", "America/New_York", "Europe/London", "Australia/Lord_Howe", "UTC")
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
TURNS = (
    date(2024, 2, 27),  # a leap day
    date(2026, 2, 26),
    date(2026, 3, 6),  # New York and, later, London go forward
    date(2026, 3, 27),
    date(2026, 4, 3),  # Lord Howe goes back, by half an hour
    date(2026, 10, 2),
    date(2026, 10, 23),  # London and, later, New York go back
    date(2026, 10, 30),
    date(2026, 12, 29),
)
DAYS = 6


class Rule:
    """A rule in parts, and whether a day is one of its, said in another way than the library's."""

    def __init__(self, kind: str, interval: int, days: tuple[int, ...], starts_on: date, end: date | None) -> None:
        self.kind, self.interval, self.days, self.starts_on, self.end = kind, interval, days, starts_on, end

    @property
    def text(self) -> str:
        match self.kind:
            case "DAILY":
                by = ""
            case "WEEKLY":
                by = ";BYDAY=" + ",".join(WEEKDAYS[day] for day in self.days)
            case "MONTHLY":
                by = ";BYMONTHDAY=" + ",".join(map(str, self.days))
            case _:
                by = ";BYMONTH=2;BYMONTHDAY=-1"
        until = "" if self.end is None else f";UNTIL={self.end:%Y%m%d}"
        return f"FREQ={self.kind};INTERVAL={self.interval}{by}{until}"

    def falls_on(self, day: date) -> bool:
        if day < self.starts_on or (self.end is not None and day > self.end):
            return False
        tomorrow = day + timedelta(days=1)
        match self.kind:
            case "DAILY":
                return (day - self.starts_on).days % self.interval == 0
            case "WEEKLY":
                monday = self.starts_on - timedelta(days=self.starts_on.weekday())
                return (day - monday).days // 7 % self.interval == 0 and day.weekday() in self.days
            case "MONTHLY":
                months = (day.year - self.starts_on.year) * 12 + day.month - self.starts_on.month
                from_the_end = day.day - 1 - month_days(day)
                return months % self.interval == 0 and (day.day in self.days or from_the_end in self.days)
            case _:
                return (day.year - self.starts_on.year) % self.interval == 0 and (tomorrow.month, tomorrow.day) == (
                    3,
                    1,
                )


def month_days(day: date) -> int:
    first_of_next = date(day.year + day.month // 12, day.month % 12 + 1, 1)
    return (first_of_next - timedelta(days=1)).day


@st.composite
def rules(draw: st.DrawFn, around: date) -> Rule:
    kind = draw(st.sampled_from(("DAILY", "WEEKLY", "MONTHLY", "YEARLY")))
    choices = {
        "WEEKLY": st.integers(0, 6),
        "MONTHLY": st.sampled_from((1, 2, 15, 26, 27, 28, 29, 30, 31, -1, -2, -3)),
    }.get(kind, st.integers(0, 6))
    days = draw(st.lists(choices, min_size=1, max_size=4, unique=True))
    starts_on = around + timedelta(days=draw(st.integers(-40, 3)))
    end = draw(st.none() | st.integers(-2, DAYS + 2).map(lambda later: around + timedelta(days=later)))
    return Rule(kind, draw(st.integers(1, 3)), tuple(days), starts_on, end)


clock_times = st.sampled_from(
    ("00:00", "00:01", "00:30", "01:15", "01:30", "02:00", "02:30", "03:00", "12:00", "23:59")
)
end_times = clock_times | st.just("24:00") | st.times().map(lambda at: f"{at:%H:%M}")


def walked(
    windows: list[tuple[Rule, LentWindow]], exceptions: list[Exception_], zone: ZoneInfo, within: Span
) -> list[Span]:
    """Minute by minute: a window is opened when the clock first shows its beginning or later, closed likewise."""
    begin = within.begins - timedelta(days=4)
    shown: list[tuple[datetime, datetime]] = []
    at = begin
    while at <= within.until + timedelta(days=3):
        shown.append((at, at.astimezone(zone).replace(tzinfo=None)))
        at += MINUTE

    def first_shown(local: datetime) -> datetime:
        return next(at for at, clock in shown if clock >= local)

    opened: set[datetime] = set()
    closed: set[datetime] = set()
    day = within.begins.astimezone(zone).date() - timedelta(days=2)
    while day <= within.until.astimezone(zone).date():
        for rule, window in windows:
            if rule.falls_on(day) and (window.ends_on is None or day <= window.ends_on):
                opened |= set(minutes(*(first_shown(at) for at in said(day, window))))
        if day in exceptions:
            ends = datetime.combine(day + timedelta(days=1), time())
            closed |= set(minutes(first_shown(datetime.combine(day, time())), first_shown(ends)))
        day += timedelta(days=1)
    for away in exceptions:
        if isinstance(away, Away):
            closed |= set(minutes(away.begins, away.until))
    lent = sorted(minute for minute in opened - closed if within.begins <= minute < within.until)
    spans: list[Span] = []
    for minute in lent:
        if spans and spans[-1].until == minute:
            spans[-1] = Span(spans[-1].begins, minute + MINUTE)
        else:
            spans.append(Span(minute, minute + MINUTE))
    return spans


def said(day: date, window: LentWindow) -> tuple[datetime, datetime]:
    hour, minute = map(int, window.until_time.split(":"))
    begins = datetime.combine(day, time.fromisoformat(window.from_time))
    ends = datetime.combine(day, time()) + timedelta(hours=hour, minutes=minute)
    return begins, ends if ends > begins else ends + timedelta(days=1)


def minutes(begins: datetime, until: datetime) -> Iterator[datetime]:
    while begins < until:
        yield begins
        begins += MINUTE


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[tuple[Rule, LentWindow]], list[Exception_], ZoneInfo, Span]:
    zone, around = ZoneInfo(draw(st.sampled_from(ZONES))), draw(st.sampled_from(TURNS))
    windows = []
    for _ in range(draw(st.integers(1, 3))):
        rule = draw(rules(around))
        ends_on = draw(st.none() | st.integers(0, DAYS).map(lambda later: around + timedelta(days=later)))
        from_time, until_time = draw(clock_times), draw(end_times)
        try:
            window = LentWindow(
                rrule=rule.text,
                from_time=from_time,
                until_time=until_time,
                starts_on=rule.starts_on,
                ends_on=ends_on,
            )
        except ValidationError:  # it names no day, or not a time
            continue
        windows.append((rule, window))
    assume(windows)
    begins = datetime.combine(around, time(), UTC) + timedelta(minutes=draw(st.integers(0, 1440)))
    exceptions: list[Exception_] = list(
        draw(st.lists(st.integers(-1, DAYS).map(lambda later: around + timedelta(days=later)), max_size=2))
    )
    for _ in range(draw(st.integers(0, 2))):
        away = begins + timedelta(minutes=draw(st.integers(-600, DAYS * 1440)))
        exceptions.append(Away(begins=away, until=away + timedelta(minutes=draw(st.integers(1, 2000)))))
    return windows, exceptions, zone, Span(begins, begins + timedelta(minutes=draw(st.integers(1, DAYS * 1440))))


@examples(60)
@given(worlds())
def test_windows_equal_a_calendar_of_minutes(
    world: tuple[list[tuple[Rule, LentWindow]], list[Exception_], ZoneInfo, Span],
) -> None:
    windows, exceptions, zone, within = world
    assert lent_between([window for _, window in windows], exceptions, zone, within) == walked(*world)


@examples(60)
@given(worlds(), st.floats(0, 1))
@example(
    (
        [
            (
                Rule("DAILY", 1, (0,), date(2026, 10, 20), None),
                LentWindow(rrule="FREQ=DAILY", from_time="00:00", until_time="24:00", starts_on=date(2026, 10, 20)),
            )
        ],
        [],
        ZoneInfo("Europe/London"),
        Span(datetime(2026, 10, 23, tzinfo=UTC), datetime(2026, 10, 27, tzinfo=UTC)),
    ),
    0.5,
)
def test_laid_out_in_two_parts_is_the_same(
    world: tuple[list[tuple[Rule, LentWindow]], list[Exception_], ZoneInfo, Span], part: float
) -> None:
    windows, exceptions, zone, within = [window for _, window in world[0]], *world[1:]
    middle = within.begins + (within.until - within.begins) * part
    first = lent_between(windows, exceptions, zone, Span(within.begins, middle)) if middle > within.begins else []
    second = lent_between(windows, exceptions, zone, Span(middle, within.until)) if middle < within.until else []
    if first and second and first[-1].until == second[0].begins:
        first[-1:], second = [Span(first[-1].begins, second[0].until)], second[1:]
    assert first + second == lent_between(windows, exceptions, zone, within)
