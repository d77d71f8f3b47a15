"""The state in one word, by table, and when there is something to tell."""

from datetime import UTC, datetime, timedelta

import pytest

from contracts.availability import CarParkState
from contracts.ids import CarParkId
from occupancy.availability import retell, state_word
from occupancy.settings import OccupancySettings
from occupancy.sources import Passages, SpaceSums
from occupancy.standing import Standing

EIGHT = datetime(2026, 11, 23, tzinfo=UTC)
SETTINGS = OccupancySettings()
OPEN, ALMOST, FULL, CLOSED, UNKNOWN = CarParkState


def standing(
    occupied: int | None = 50,
    *,
    capacity: int = 100,
    unknown: int = 0,
    stale: bool = False,
    promised: int = 0,
    before: CarParkState = OPEN,
    version: int = 0,
) -> Standing:
    as_of = None if occupied is None else EIGHT
    return Standing(
        car_park=CarParkId("here"), spaces=SpaceSums(), passages=Passages(), online=None, online_at=None,
        occupied=occupied, capacity=capacity, out_of_service=0, unknown=unknown, source="counts", as_of=as_of,
        sampled_at=as_of, promised=promised, trend=None, state=before, stale=stale, told_as_of=as_of, version=version,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("known", "closed", "word"),
    [
        pytest.param(standing(), False, OPEN, id="half full"),
        pytest.param(standing(), True, CLOSED, id="closed whatever is free"),
        pytest.param(standing(None), False, UNKNOWN, id="never heard"),
        pytest.param(standing(stale=True), False, UNKNOWN, id="stale"),
        pytest.param(standing(stale=True), True, CLOSED, id="closed is known without a sensor"),
        pytest.param(standing(89), False, OPEN, id="eleven free"),
        pytest.param(standing(90), False, ALMOST, id="ten free"),
        pytest.param(standing(89, before=ALMOST), False, ALMOST, id="eleven free, on the way down"),
        pytest.param(standing(87, before=ALMOST), False, OPEN, id="thirteen free"),
        pytest.param(standing(89, before=FULL), False, ALMOST, id="eleven free after full"),
        pytest.param(standing(100), False, FULL, id="none free"),
        pytest.param(standing(104), False, FULL, id="overfull"),
        pytest.param(standing(377, capacity=420), False, OPEN, id="43 of 420 free"),
        pytest.param(standing(9, capacity=10), False, ALMOST, id="one of ten free"),
        pytest.param(standing(1, capacity=10, unknown=9), False, UNKNOWN, id="one occupied, nine not known"),
        pytest.param(standing(100, unknown=4), False, FULL, id="none free, a few not known"),
        pytest.param(standing(100, unknown=6), False, UNKNOWN, id="none free, too many not known to say so"),
        pytest.param(standing(20, unknown=20), False, OPEN, id="a fifth not known"),
        pytest.param(standing(20, unknown=21), False, UNKNOWN, id="more than a fifth not known"),
        pytest.param(standing(60, promised=40), False, FULL, id="the rest is promised"),
    ],
)
def test_the_word(known: Standing, closed: bool, word: CarParkState) -> None:
    assert state_word(known, closed=closed, settings=SETTINGS) == word


@pytest.mark.parametrize(
    ("minutes", "seconds_newer", "changes", "tells"),
    [
        pytest.param(0, 0, False, False, id="the same again"),
        pytest.param(0, 9, False, False, id="a heartbeat"),
        pytest.param(0, 10, False, True, id="a heartbeat after ten seconds"),
        pytest.param(0, 0, True, True, id="another number"),
        pytest.param(16, 0, False, True, id="it went stale"),
    ],
)
def test_what_is_told(minutes: int, seconds_newer: int, changes: bool, tells: bool) -> None:
    known = standing(version=7)
    before = known.told
    assert known.as_of is not None
    known.as_of += timedelta(seconds=seconds_newer)
    known.occupied = 51 if changes else 50
    now = EIGHT + timedelta(minutes=minutes, seconds=seconds_newer)
    told = retell(known, closed=False, now=now, settings=SETTINGS, before=before)
    assert (told is not None) is tells
    assert known.version == (8 if tells else 7)
    if told is not None:
        assert (told.version, told.stale, told.age_s) == (8, minutes > 15, minutes * 60)
