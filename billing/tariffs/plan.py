"""A plan: when it is for, what is free, what time costs by windows, and its caps. Data only."""

from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from billing.tariffs.charge import Charge
from billing.tariffs.days import Day
from billing.tariffs.words import Fen, Frozen, Minutes, MinutesOrNone, Slug, Text, TimeOfDay, seconds_of

Days = Annotated[tuple[Day, ...], Field(min_length=1, max_length=30)]


class Between(Frozen):
    """Times of day, the whole minute at each end belonging to it; from 18:00 until 06:00 runs over midnight."""

    from_time: TimeOfDay = Field(title="from")
    until_time: TimeOfDay = Field(title="until")

    @property
    def ends_s(self) -> int:
        """The second of the day with which it is over: after its last minute, at midnight at the latest."""
        return min(seconds_of(self.until_time) + 60, 86_400)

    def has(self, second_of_day: int) -> bool:
        """Whether that second of the local day lies in it."""
        begins, ends = seconds_of(self.from_time), self.ends_s
        if begins < ends:
            return begins <= second_of_day < ends
        return second_of_day >= begins or second_of_day < ends


class Condition(Frozen):
    """Which stays: everything that is said must hold. What is not said does not matter."""

    classes: tuple[Slug, ...] | None = Field(default=None, title="vehicle classes", examples=[["small", "motorcycle"]])
    new_energy: bool | None = Field(default=None, title="new-energy vehicle")
    permits: tuple[Slug, ...] | None = Field(
        default=None, title="holders of", description="Any of these permits, by id of a concession."
    )
    entry_days: Days | None = Field(default=None, title="days of entry")
    entry_not_days: Days | None = Field(default=None, title="but not these days of entry")
    entry_between: tuple[Between, ...] | None = Field(default=None, title="entered between")
    exit_between: tuple[Between, ...] | None = Field(default=None, title="left between")
    exit_days_later_max: Annotated[int, Field(strict=True, ge=0, le=31)] | None = Field(
        default=None, title="left at most so many days later", description="0: on the day of entry."
    )
    stay_over_min: MinutesOrNone | None = Field(default=None, title="stayed longer than")
    stay_up_to_min: Minutes | None = Field(default=None, title="stayed no longer than")

    def day_words(self) -> tuple[str, ...]:
        """Every kind of day that is named."""
        return (*(self.entry_days or ()), *(self.entry_not_days or ()))

    @property
    def looks_at_exit(self) -> bool:
        """Whether it can change while the car stands."""
        said = (self.exit_between, self.exit_days_later_max, self.stay_over_min, self.stay_up_to_min)
        return any(one is not None for one in said)


class Free(Frozen):
    """Free minutes at the beginning."""

    minutes: Minutes = Field(title="free minutes", examples=[15])
    charge_from: Literal["entry", "end_of_free"] = Field(
        title="longer stays are charged from",
        description="`entry`: the free time is a floor, whoever stays longer pays for it too."
        " `end_of_free`: it stays free.",
    )
    counted: bool = Field(
        default=False, title="free minutes count on the clock",
        description="Only with end_of_free: whether the first hour began at entry (true) or after the free time.",
    )  # fmt: skip
    inclusive: bool = Field(default=True, title="exactly the free minutes is still free")
    repeat: Literal["entry", "24h", "day", "quota"] = Field(
        default="entry", title="given once per",
        description="`entry`, each `24h`, each calendar `day`, or as minutes per calendar day used up over all visits"
        " (`quota`). All but `entry` look at earlier visits and are given again to long stays.",
    )  # fmt: skip
    not_again_within_min: Minutes | None = Field(
        default=None, title="not again within", description="None for who left less than these minutes ago."
    )

    @model_validator(mode="after")
    def _means_something(self) -> "Free":
        if self.counted and self.charge_from == "entry":
            raise PydanticCustomError("counted", "counted belongs to charge_from: end_of_free; leave it out")
        if not self.inclusive and self.charge_from == "end_of_free":
            raise PydanticCustomError("inclusive", "inclusive: false belongs to charge_from: entry; leave it out")
        return self


class Window(Frozen):
    """Hours with a price of their own. Where windows overlap the one listed first is right; outside all is free."""

    id: Slug
    name: Text | None = Field(default=None, title="name")
    days: Days = Field(default=("all",), title="days", description="On which the window begins.")
    not_days: Days | None = Field(default=None, title="but not on")
    from_time: TimeOfDay = Field(title="from")
    until_time: TimeOfDay = Field(title="until", description="Not after `from`: it ends on the next day.")
    days_later: Annotated[int, Field(strict=True, ge=0, le=7)] | None = Field(
        default=None, title="ends so many days later", description="For windows over several days, e.g. Friday 18:00 to"
        " Monday 06:00: 3.",
    )  # fmt: skip
    charge: Charge
    ignore_up_to_min: MinutesOrNone = Field(
        default=0, title="ignored up to", description="Up to so many minutes in the window cost nothing."
    )

    @property
    def ends_days_later(self) -> int:
        """0 when it ends on the day on which it begins."""
        if self.days_later is not None:
            return self.days_later
        return 0 if seconds_of(self.until_time) > seconds_of(self.from_time) else 1

    @model_validator(mode="after")
    def _has_length(self) -> "Window":
        if self.ends_days_later == 0 and seconds_of(self.until_time) <= seconds_of(self.from_time):
            raise PydanticCustomError(
                "days_later", "the window ends before it begins: leave days_later out, or write 1 or more"
            )
        return self


class CountsAs(Frozen):
    """The price of so many minutes, e.g. of ten hours of the day."""

    minutes: Minutes = Field(title="minutes", examples=[600])
    window: Slug | None = Field(default=None, title="of the window", description="Null where there are no windows.")


class Cap(Frozen):
    """No more than this in each period. Caps apply in the order in which they are listed: the smaller period first."""

    name: Text | None = Field(default=None, title="name")
    per: Literal["window", "day", "week", "hours", "stay"] = Field(
        title="per", description="`hours`: successive periods from entry, see `hours`. `week`: from Monday."
        " A unit belongs to the period in which it starts.",
    )  # fmt: skip
    hours: Annotated[int, Field(strict=True, ge=1, le=8784)] | None = Field(
        default=None, title="hours of a period", description="24 for a rolling day, 168 for a week from entry."
    )
    amounts: tuple[Fen, ...] = Field(
        default=(), title="at most", max_length=100, examples=[[3000], [3000, 4000, 5000]],
        description="One amount, or those of the successive periods.",
    )  # fmt: skip
    counts_as: CountsAs | None = Field(
        default=None, title="counts as", description="Instead of amounts: what these minutes cost."
    )
    after_last: Literal["repeat", "no_cap"] = Field(
        default="repeat", title="after the last amount", description="It repeats, or there is no cap any more."
    )
    windows: tuple[Slug, ...] | None = Field(default=None, title="only of these windows", min_length=1)
    across_visits: bool = Field(
        default=False,
        title="over all visits",
        description="What earlier visits paid that began in the same period counts.",
    )

    @model_validator(mode="after")
    def _said(self) -> "Cap":
        if (self.per == "hours") != (self.hours is not None):
            raise PydanticCustomError("hours", "`hours` belongs to per: hours, and is needed there, e.g. 24")
        if bool(self.amounts) == (self.counts_as is not None):
            raise PydanticCustomError("amounts", "a cap has either amounts, e.g. [3000], or counts_as")
        if self.per == "stay" and self.across_visits:
            raise PydanticCustomError("across_visits", "one stay is not several visits: say day, hours or week")
        return self


class MaxStay(Frozen):
    """The longest stay; who stays longer is told, and pays this once where it is said."""

    minutes: Minutes = Field(title="longest stay", examples=[120])
    surcharge: Fen = Field(default=0, title="once, beyond it", description="On top of the caps.")


class Plan(Frozen):
    """One way to price a stay."""

    id: Slug
    name: Text | None = Field(default=None, title="name")
    when: Condition = Field(default=Condition(), title="for which stays")
    free: Free | None = Field(default=None, title="free time")
    charge: Charge | None = Field(default=None, title="charge at all hours", description="Or windows.")
    windows: tuple[Window, ...] = Field(default=(), title="windows", max_length=50)
    boundary: Literal["carry", "split", "pause"] | None = Field(
        default=None, title="a unit that meets the end of its window",
        description="`carry`: it runs to its own end at its own price. `split`: it ends there, each part is rounded by"
        " itself. `pause`: the rest of it is used when the window comes again. Needed with windows.",
    )  # fmt: skip
    clock: Literal["stay", "window", "time_in_window"] = Field(
        default="stay", title="steps are told by",
        description="`stay`: the time since charging began. `window`: the time since the window was entered, anew each"
        " time. `time_in_window`: all time in the window so far.",
    )  # fmt: skip
    restart: Literal["never", "24h", "day"] = Field(
        default="never", title="begins again",
        description="Steps and flat amounts begin again every 24 hours from entry, or every calendar day; a unit ends"
        " there.",
    )  # fmt: skip
    day_starts: TimeOfDay = Field(default="00:00", title="the calendar day starts at")
    least_min: Minutes | None = Field(default=None, title="shortest stay charged", description="Shorter ones are"
        " charged like it.")  # fmt: skip
    max_stay: MaxStay | None = Field(default=None, title="longest stay")
    caps: tuple[Cap, ...] = Field(default=(), title="caps", max_length=20)

    @model_validator(mode="after")
    def _whole(self) -> "Plan":
        if self.day_starts == "24:00":
            raise PydanticCustomError("day_starts", "a day that starts at midnight starts at 00:00")
        if (self.charge is None) != bool(self.windows):
            raise PydanticCustomError(
                "charge", "a plan has either a charge for all hours or windows with their charges"
            )
        if self.windows and self.boundary is None:
            raise PydanticCustomError(
                "boundary",
                "boundary is missing: public systems disagree, so say carry (a unit runs on at its own price), split"
                " (each part is rounded by itself) or pause (the rest is used when the window comes again)",
            )
        known = {window.id for window in self.windows}
        if len(known) < len(self.windows):
            raise PydanticCustomError("windows", "two windows have the same id: give each its own")
        for number, cap in enumerate(self.caps):
            named = {*(cap.windows or ()), *([cap.counts_as.window] if cap.counts_as and cap.counts_as.window else [])}
            if named - known or (cap.per == "window" and not known) or (cap.counts_as and known and not named):
                raise PydanticCustomError(
                    "caps", "caps.{number} must name windows of this plan: {known}",
                    {"number": number, "known": ", ".join(sorted(known)) or "there are none"},
                )  # fmt: skip
        return self
