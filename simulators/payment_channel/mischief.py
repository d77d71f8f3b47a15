"""What goes wrong at a payment channel, by rates and a seed. Pure.

Each fault has dice of its own, thrown in the order in which requests come: the same seed and the same order of requests
meet the same faults.
"""

import random
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct
from msgspec.structs import fields

Rate = Annotated[float, Meta(ge=0, le=1)]
Seconds = Annotated[float, Meta(ge=0)]

HOURS_LATE: Final = (3_600.0, 6 * 3_600.0)


class Mischief(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Rates from 0 to 1; seconds are of the channel's clock.

    Of a request: `busy` is 429, `broken` is 500, both before anything was done; `broken_after` is 500 and `lost_answer`
    no answer at all (held for `silence_s`, then cut), both after it was done. Of a charge: `fails`, `pending`
    (Alipay's, which it else collects before it answers), `advanced` (the channel pays for the driver, who pays it back
    `repaid_after_s` later). Of a vehicle that was never named before:
    `overdue`, `paused`, `out_of_service`. Of a notice, at its first telling: `twice`, `late` (by `late_s`),
    `out_of_order` (after the next one), `never` (and not again), `wrong_amount`, `wrong_plate`, `stale_time`,
    `bad_signature`, `sign_test`. Of a refund: `refund_fails`. Of a line of a bill: `missing_there`, `missing_here`
    (besides it stands one that nobody asked for), `other_amount`, `doubled`, `refund_unknown` (besides it stands its
    refund, that nobody asked for).
    """

    seed: int = 0
    busy: Rate = 0.0
    broken: Rate = 0.0
    broken_after: Rate = 0.0
    lost_answer: Rate = 0.0
    silence_s: Seconds = 0.0
    fails: Rate = 0.0
    pending: Rate = 0.0
    advanced: Rate = 0.0
    overdue: Rate = 0.0
    paused: Rate = 0.0
    out_of_service: Rate = 0.0
    twice: Rate = 0.0
    late: Rate = 0.0
    late_s: tuple[Seconds, Seconds] = HOURS_LATE
    out_of_order: Rate = 0.0
    never: Rate = 0.0
    wrong_amount: Rate = 0.0
    wrong_plate: Rate = 0.0
    stale_time: Rate = 0.0
    bad_signature: Rate = 0.0
    sign_test: Rate = 0.0
    refund_fails: Rate = 0.0
    missing_there: Rate = 0.0
    missing_here: Rate = 0.0
    other_amount: Rate = 0.0
    doubled: Rate = 0.0
    refund_unknown: Rate = 0.0
    collects_after_s: Seconds = 2.0
    refunds_after_s: Seconds = 3.0
    repaid_after_s: Seconds = 86_400.0

    def __post_init__(self) -> None:
        for name in RATES:
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is from 0 to 1")
        if sum(getattr(self, name) for name in PLATE_FAULTS) > 1:
            raise ValueError("more than all vehicles have something wrong with them")
        if self.late_s[0] > self.late_s[1]:
            raise ValueError("late_s is (shortest, longest)")


Fault = Literal[
    "busy", "broken", "broken_after", "lost_answer", "fails", "pending", "advanced", "twice", "late", "out_of_order",
    "never", "wrong_amount", "wrong_plate", "stale_time", "bad_signature", "sign_test", "refund_fails", "missing_there",
    "missing_here", "other_amount", "doubled", "refund_unknown",
]  # fmt: skip
PLATE_FAULTS: Final = ("overdue", "paused", "out_of_service")
RATES: Final = tuple(field.name for field in fields(Mischief) if field.type is Rate)
"""Names of everything that can go wrong."""


class Dice:
    """What happens, throw by throw."""

    def __init__(self, mischief: Mischief, whose: str = "") -> None:
        """`whose`: two channels with one seed meet different faults."""
        self.mischief = mischief
        self._whose = whose
        self._streams: dict[str, random.Random] = {}

    def throw(self, fault: Fault) -> bool:
        """Whether it happens now."""
        rate: float = getattr(self.mischief, fault)
        return self._of(fault).random() < rate

    def between(self, name: str, range_: tuple[float, float]) -> float:
        """A number of seconds."""
        return self._of(name).uniform(*range_)

    def plate(self) -> str | None:
        """What is wrong with a vehicle that is named for the first time."""
        drawn = self._of("plate").random()
        for name in PLATE_FAULTS:
            rate: float = getattr(self.mischief, name)
            if drawn < rate:
                return name
            drawn -= rate
        return None

    def _of(self, name: str) -> random.Random:
        if name not in self._streams:
            self._streams[name] = random.Random(f"{self.mischief.seed} {self._whose} {name}")  # noqa: S311 - a seeded play
        return self._streams[name]
