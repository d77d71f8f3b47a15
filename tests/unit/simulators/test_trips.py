"""What drivers plan, and guests who park in the simulated city."""

import random
from collections import Counter

import pytest

from simulators.city import City, Place
from simulators.plates import DRIVERS_FROM, plate_of
from simulators.trips import Habits, plan_trip


def test_habits_come_in_their_shares_and_the_same_dice_plan_the_same() -> None:
    plans = [plan_trip(random.Random(seed), Habits(), ["a", "b"]) for seed in range(5_000)]
    assert plans == [plan_trip(random.Random(seed), Habits(), ["a", "b"]) for seed in range(5_000)]
    seen = Counter[str](plan.habit for plan in plans)
    assert set(seen) == {"keeps", *Habits().shares()}
    for habit, share in Habits().shares().items():
        assert abs(seen[habit] - 50 * share) < 150, (habit, seen)
    assert all(plan.arrives_s < plan.stay_s + plan.leaves_s for plan in plans)


def test_more_than_all_is_refused() -> None:
    with pytest.raises(ValueError, match="more than all"):
        Habits(early=60, late=60)


def test_a_driver_has_a_plate_that_nobody_else_has() -> None:
    plates = [plate_of(DRIVERS_FROM + number) for number in range(2_000)]
    assert len({plate.plate for plate in plates if plate is not None}) == 2_000
    assert all(plate is not None and plate.plate.startswith("辽V") for plate in plates)
    others = (plate_of(number) for number in range(1, 20_000))
    assert not any(plate is not None and plate.plate.startswith("辽V") for plate in others)


def test_a_guest_takes_a_slot_and_leaves_it() -> None:
    city = City([Place("a", "office", 40), Place("b", "office", 20)], seed=3, now_s=10 * 3600.0)
    free = [slot for slot in range(20) if not city.taken[40 + slot]]
    assert city.park(1, DRIVERS_FROM, free[-1]) == free[-1]
    assert city.park(1, DRIVERS_FROM + 1, free[-1]) is None
    assert city.park(1, DRIVERS_FROM + 1) == free[0]
    moved = city.advance(city.now_s + 1.0)
    guests = moved.vehicles >= DRIVERS_FROM
    assert sorted(moved.slots[guests].tolist()) == sorted([40 + free[0], 40 + free[-1]])
    city.advance(city.now_s + 3_600.0)
    assert city.taken[40 + free[-1]]
    city.unpark(1, free[-1])
    gone = city.advance(city.now_s)
    assert (gone.slots.tolist(), gone.taken.tolist()) == ([40 + free[-1]], [False])
