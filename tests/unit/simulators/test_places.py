"""Car parks without a position are put somewhere sensible, and apart."""

import math
from pathlib import Path

from simulators.places import place_of_zone, places_of, spread
from simulators.read_recording import read_recording


def test_time_zones_have_a_city() -> None:
    assert place_of_zone("Europe/London") == (51 + 30 / 60 + 30 / 3600, -(7 / 60 + 31 / 3600))
    assert place_of_zone("Asia/Shanghai")[0] > 31
    assert place_of_zone("America/Sao_Paulo") < (0, 0)
    assert place_of_zone("UTC") == (0.0, 0.0)


def test_no_two_places_are_close() -> None:
    places = spread((51.5, -0.1), 40)
    gaps = [math.dist(one, other) * 111_000 for one in places for other in places if one < other]
    assert min(gaps) > 60


def test_unknown_places_lie_around_the_known_ones(recordings: Path) -> None:
    market, station, hamlet = places_of(read_recording(recordings / "village_free_2024-05.csv.gz"))
    assert market == ((51.05, 13.74), True)
    assert (station[1], hamlet[1]) == (False, False)
    assert math.dist(station[0], (51.05, 13.74)) < 0.01 > math.dist(hamlet[0], (51.05, 13.74))
