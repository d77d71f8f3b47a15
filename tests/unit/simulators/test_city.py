"""A day of a small city."""

import numpy as np

from simulators.city import City, Place
from simulators.demand import DAY_S

TUESDAY_8 = DAY_S + 8 * 3600.0
PLACES = [
    Place("office", "office", 300),
    Place("empty", "mall", 0),
    Place("home", "residential", 200),
    Place("kerb", "street", 40),
]


def _lived(seed: int, hours: int, step_s: float) -> list[tuple[int, bool, float]]:
    city = City(PLACES, seed=seed, now_s=TUESDAY_8)
    found = []
    for _ in range(int(hours * 3600 / step_s)):
        changes = city.advance(city.now_s + step_s)
        found += list(zip(changes.slots.tolist(), changes.taken.tolist(), changes.at_s.tolist(), strict=True))
    return found


def test_the_same_seed_lives_the_same_day() -> None:
    assert _lived(1, 2, 60) == _lived(1, 2, 60)
    assert _lived(1, 2, 60) != _lived(2, 2, 60)


def test_a_space_is_taken_and_freed_by_turns_within_the_step() -> None:
    city = City(PLACES, seed=4, now_s=TUESDAY_8)
    state = city.taken.copy()
    for _ in range(200):
        before = city.now_s
        changes = city.advance(before + 240)
        assert (changes.at_s >= before).all()
        assert (changes.at_s <= city.now_s).all()
        for slot, taken in zip(changes.slots, changes.taken, strict=True):
            assert state[slot] != taken
            state[slot] = taken
        assert (state == city.taken).all()


def test_a_long_pause_is_walked_through() -> None:
    city = City(PLACES, seed=4, now_s=TUESDAY_8)
    changes = city.advance(TUESDAY_8 + 6 * 3600)
    assert city.now_s == TUESDAY_8 + 6 * 3600
    for place in np.unique(changes.car_parks):
        assert (np.diff(changes.at_s[changes.car_parks == place]) >= 0).all()
    assert (np.diff(changes.car_parks) >= 0).all()
    assert changes.slots.max() < 540


def test_an_office_fills_in_the_morning_and_empties_in_the_evening() -> None:
    city = City([Place(f"office-{number}", "office", 100) for number in range(8)], seed=2, now_s=DAY_S + 5 * 3600.0)
    early = city.taken.mean()
    city.advance(DAY_S + 11 * 3600)
    late_morning = city.taken.mean()
    city.advance(DAY_S + 22 * 3600)
    assert early < 0.1 < 0.5 < late_morning
    assert city.taken.mean() < 0.15


def test_it_starts_as_full_as_it_would_have_become() -> None:
    """Started at noon or lived until noon: the same city within chance."""
    places = [Place(f"office-{number}", "office", 500) for number in range(8)]
    lived = City(places, seed=9, now_s=DAY_S + 4 * 3600.0)
    lived.advance(DAY_S + 12 * 3600)
    begun = City(places, seed=9, now_s=DAY_S + 12 * 3600.0)
    assert abs(lived.taken.mean() - begun.taken.mean()) < 0.06


def test_nobody_fits_into_a_full_car_park() -> None:
    city = City([Place("kerb", "hospital", 3)], seed=1, now_s=DAY_S + 9 * 3600.0)
    city.advance(DAY_S + 11 * 3600)
    assert city.turned_away > 0
    assert city.taken.sum() <= 3


def test_events_come_on_some_evenings_only() -> None:
    evenings = []
    for day in range(14):
        city = City([Place("arena", "stadium", 800)], seed=3, now_s=day % 7 * DAY_S + 19.5 * 3600)
        evenings.append(float(city.taken.mean()))
        city = City([Place("arena", "stadium", 800)], seed=100 + day, now_s=5 * DAY_S + 19.5 * 3600)
        evenings.append(float(city.taken.mean()))
    assert min(evenings) < 0.4 < 0.6 < max(evenings)
