"""What a stay costs and why: the answer of `rate`. Frozen; amounts in minor units, times as instants."""

from datetime import UTC, datetime
from typing import Literal

from msgspec import Struct

from billing.tariffs.words import Text

LineKind = Literal[
    "units", "flat", "free_time", "not_charged", "covered", "cap", "percent", "minutes", "amount_off", "at_most",
    "exempt", "surcharge", "tax", "rounding", "least", "lost_ticket",
]  # fmt: skip


class NoPlanFits(ValueError):
    """The tariff has no plan for this stay: it is not free, it has to be decided by a person."""


class StayImpossible(ValueError):
    """The exit is before the entry, the stay is longer than two years, or a time has no offset."""


class Vehicle(Struct, frozen=True, kw_only=True):
    """What prices may depend on: its class (small, large, motorcycle, ...) and whether it runs on new energy."""

    class_: str = "small"
    new_energy: bool = False


class Visit(Struct, frozen=True):
    """An earlier visit of the same vehicle, and what it was charged in minor units."""

    entry: datetime
    exit: datetime
    amount: int = 0


class Line(Struct, frozen=True, kw_only=True):
    """One line of the bill. `explain.why` says it in words; the sum of all amounts is the total."""

    kind: LineKind
    amount: int
    begins_s: int
    ends_s: int
    name: Text | None = None
    units: int = 0
    unit_s: int = 0
    clock_s: int = 0
    """What the plan's clock showed when the first unit began."""
    price: int = 0
    """Of one unit, or of `parts` of them; for caps and others the figure of the rule."""
    parts: int = 1
    per: str = ""

    @property
    def begins(self) -> datetime:
        return datetime.fromtimestamp(self.begins_s, UTC)

    @property
    def ends(self) -> datetime:
        return datetime.fromtimestamp(self.ends_s, UTC)


class Fee(Struct, frozen=True, kw_only=True):
    """`changes_at`: the first moment after the exit at which leaving would cost something else. `rises_at`: more.

    They differ only where a tariff has conditions on the exit (an early bird who stays long enough pays less). None:
    never, that is not within a year.
    """

    total: int
    currency: str
    minor_digits: int
    lines: tuple[Line, ...]
    plan: str
    rises_at: datetime | None
    changes_at: datetime | None
    overstays_at: datetime | None = None
    """When the longest stay is over, where the plan has one."""
