"""What a driver who reserves has in mind: whether he comes, when, and how long he stays. Pure, seeded."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final, Literal

Habit = Literal["keeps", "early", "late", "extends", "overstays", "cancels", "lets_go", "never_comes"]
"""`lets_go` holds and never confirms, `never_comes` confirms and is a no-show."""

COMES: Final = frozenset({"keeps", "early", "late", "extends", "overstays"})


@dataclass(frozen=True, slots=True)
class Habits:
    """How many of a hundred drivers do what; the others keep their promise. Seconds of what they plan."""

    early: int = 8
    late: int = 8
    extends: int = 6
    overstays: int = 6
    cancels: int = 8
    lets_go: int = 4
    never_comes: int = 4
    ahead_s: tuple[float, float] = (60.0, 600.0)
    stay_s: tuple[float, float] = (300.0, 1500.0)
    rests_s: tuple[float, float] = (5.0, 120.0)
    """Between two trips."""

    def __post_init__(self) -> None:
        if sum(self.shares().values()) > 100:
            raise ValueError("more than all drivers do something else than keep their promise")

    def shares(self) -> dict[str, int]:
        return {each.name: getattr(self, each.name) for each in fields(self) if not each.name.endswith("_s")}


@dataclass(frozen=True, slots=True)
class Trip:
    """One plan: `ahead_s` from now the stay begins, `arrives_s` after that (negative: before) he comes, and leaves
    `leaves_s` after its end (negative: before).
    """

    habit: Habit
    car_park: str
    rests_s: float
    ahead_s: float
    stay_s: float
    arrives_s: float
    leaves_s: float


def plan_trip(dice: random.Random, habits: Habits, car_parks: Sequence[str]) -> Trip:
    """What a driver plans next; the same dice plan the same."""
    drawn = dice.randrange(100)
    habit = "keeps"
    for name, share in habits.shares().items():
        if drawn < share:
            habit = name
            break
        drawn -= share
    stay_s = dice.uniform(*habits.stay_s)
    arrives_s = {"early": -0.1 * stay_s, "late": 0.3 * stay_s}.get(habit, dice.uniform(0, 0.1 * stay_s))
    leaves_s = {"overstays": 0.4 * stay_s, "extends": 0.1 * stay_s}.get(habit, -dice.uniform(0, 0.1 * stay_s))
    return Trip(
        habit,  # type: ignore[arg-type]  # a field of Habits
        dice.choice(car_parks),
        dice.uniform(*habits.rests_s),
        dice.uniform(*habits.ahead_s),
        stay_s,
        arrives_s,
        leaves_s,
    )
