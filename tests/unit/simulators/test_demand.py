"""Demand: the shapes of the land uses, and the mathematics that turns them into arrivals, stays and parked vehicles."""

import numpy as np
import pytest

from simulators.demand import DAY_S, SLOT_S, Demand
from simulators.land_uses import LAND_USES, OTHER, Stream, streams_of

ALL_STREAMS = [stream for streams in [*LAND_USES.values(), OTHER] for stream in streams]
TUESDAY, SATURDAY = DAY_S, 5 * DAY_S


@pytest.mark.parametrize("stream", ALL_STREAMS, ids=lambda stream: stream.name)
def test_shapes_have_a_digit_an_hour_and_are_not_empty(stream: Stream) -> None:
    for shape in (stream.weekday, stream.weekend):
        assert len(shape) == 24
        assert shape.isdigit()
        assert int(shape) > 0


def test_arrivals_of_a_week_add_up() -> None:
    demand = Demand(ALL_STREAMS)
    wanted = [5 * stream.a_weekday + 2 * stream.a_weekend for stream in ALL_STREAMS]
    assert demand.per_s.sum(axis=1) * SLOT_S == pytest.approx(wanted, rel=0.01)


def test_stays_have_the_median_they_should() -> None:
    demand = Demand(ALL_STREAMS)
    for number, stream in enumerate(ALL_STREAMS):
        stays = demand.stays_s(np.full(4_000, number), np.random.default_rng(7))
        assert np.median(stays) / 60 == pytest.approx(stream.stay_min, rel=0.12)


def test_parked_is_what_arrived_and_has_not_left() -> None:
    """The closed form against brute force: a fortnight of arrivals, counted at a Tuesday noon."""
    demand, rng = Demand(LAND_USES["office"]), np.random.default_rng(3)
    noon, spaces = TUESDAY + 12 * 3600, 400
    parked = np.zeros(2)
    for slot in range(-7 * DAY_S // SLOT_S, noon // SLOT_S):
        for stream, rate in enumerate(demand.rates(slot * SLOT_S % (7 * DAY_S))):
            came = rng.poisson(rate * SLOT_S * spaces)
            at = slot * SLOT_S + rng.random(came) * SLOT_S
            parked[stream] += (at + demand.stays_s(np.full(came, stream), rng) > noon).sum()
    assert demand.inside(noon) * spaces == pytest.approx(parked, rel=0.15)


def test_who_is_parked_leaves_as_the_parked_do() -> None:
    """Of an office's commuters at ten nearly all are gone at nine in the evening, and few before two."""
    demand, rng = Demand(LAND_USES["office"]), np.random.default_rng(5)
    left = TUESDAY + 10 * 3600 + demand.remaining_s(np.zeros(2_000, dtype=np.int64), TUESDAY + 10 * 3600, rng)
    hours = (left - TUESDAY) / 3600
    assert (hours < 14).mean() < 0.05
    assert (hours < 21).mean() > 0.95
    assert (hours >= 10).all()


@pytest.mark.parametrize(
    ("kind", "full", "empty"),
    [
        ("office", TUESDAY + 11 * 3600, TUESDAY + 3 * 3600),
        ("office", TUESDAY + 11 * 3600, SATURDAY + 11 * 3600),
        ("residential", TUESDAY + 22 * 3600, TUESDAY + 11 * 3600),
        ("mall", SATURDAY + 16 * 3600, TUESDAY + 10 * 3600),
        ("hospital", TUESDAY + 9 * 3600, TUESDAY + 23 * 3600),
        ("park", SATURDAY + 10 * 3600, TUESDAY + 10 * 3600),
        ("school", TUESDAY + 10 * 3600, SATURDAY + 10 * 3600),
        ("government", TUESDAY + 10 * 3600, SATURDAY + 10 * 3600),
        ("market", TUESDAY + 9 * 3600, TUESDAY + 20 * 3600),
        ("hotel", TUESDAY + 21 * 3600, TUESDAY + 10 * 3600),
        ("stadium", SATURDAY + 20 * 3600, SATURDAY + 8 * 3600),
    ],
)
def test_land_uses_fill_and_empty_at_their_hours(kind: str, full: int, empty: int) -> None:
    demand = Demand(streams_of(kind))
    assert demand.inside(full).sum() > 1.4 * demand.inside(empty).sum()


def test_an_unknown_kind_has_visitors_too() -> None:
    assert streams_of("oil rig") == OTHER
