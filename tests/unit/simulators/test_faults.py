"""Each fault by itself, at full rate."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from msgspec.structs import replace as but

from contracts.wire import SpaceEvent
from simulators.faults import FaultPlan, FaultySensors, Trait

AT = datetime(2026, 11, 23, tzinfo=UTC)
ONE = SpaceEvent("1", "occupied", AT, 1, "b")
TWO = SpaceEvent("1", "free", AT + timedelta(seconds=60), 2, "b")


def _under(plan: FaultPlan) -> FaultySensors:
    return FaultySensors(plan, "x")


def test_no_fault_changes_nothing() -> None:
    assert _under(FaultPlan(seed=3)).told([ONE, TWO], AT) == [ONE, TWO]
    assert FaultPlan(seed=3).is_harmless
    assert not FaultPlan(late=0.1).is_harmless


def test_duplicates_are_told_twice() -> None:
    assert _under(FaultPlan(duplicate=1)).told([ONE], AT) == [ONE, ONE]
    assert _under(FaultPlan(duplicate=1)).repeats()


def test_out_of_order_comes_after_the_next_tick() -> None:
    sensors = _under(FaultPlan(out_of_order=1))
    assert sensors.told([ONE], AT) == []
    assert sensors.told([], AT) == [ONE]


def test_late_comes_when_its_time_has_come() -> None:
    sensors = _under(FaultPlan(late=1, late_s=(30, 30)))
    assert sensors.told([ONE], AT) == []
    assert sensors.told([], AT + timedelta(seconds=29)) == []
    assert sensors.told([], AT + timedelta(seconds=30)) == [ONE]


def test_stuck_repeats_its_first_state_with_growing_numbers() -> None:
    told = _under(FaultPlan(stuck=1)).told([ONE, TWO], AT)
    assert [(event.state, event.seq) for event in told] == [("occupied", 1), ("occupied", 2)]


def test_silent_says_nothing() -> None:
    assert _under(FaultPlan(silent=1)).told([ONE, TWO], AT) == []


@pytest.mark.parametrize(("plan", "sign"), [(FaultPlan(clock_behind=1), -1), (FaultPlan(clock_ahead=1), 1)])
def test_a_wrong_clock_is_always_as_wrong(plan: FaultPlan, sign: int) -> None:
    one, two = _under(plan).told([ONE, TWO], AT)
    off = one.at - ONE.at
    assert two.at - TWO.at == off
    assert timedelta(seconds=60) <= sign * off <= timedelta(days=1)


def test_flapping_takes_its_word_back_and_says_it_again() -> None:
    told = _under(FaultPlan(flapping=1)).told([ONE, TWO], AT)
    assert [(event.state, event.seq) for event in told] == [
        ("occupied", 1),
        ("free", 2),
        ("occupied", 3),
        ("free", 4),
        ("occupied", 5),
        ("free", 6),
    ]
    assert [event.at for event in told] == sorted(event.at for event in told)


def test_a_burst_holds_everything_back_and_lets_it_go_at_once() -> None:
    sensors = _under(FaultPlan(burst=1, burst_s=(10, 10)))
    assert sensors.told([ONE], AT) == []
    assert sensors.told([TWO], AT + timedelta(seconds=5)) == []
    assert sensors.told([], AT + timedelta(seconds=10)) == [ONE, TWO]


def test_reconnects_at_its_rate() -> None:
    assert _under(FaultPlan(reconnect=1)).reconnects()
    assert not _under(FaultPlan()).reconnects()


def test_traits_come_in_their_shares() -> None:
    sensors = _under(FaultPlan(stuck=0.1, silent=0.2, clock_behind=0.1, clock_ahead=0.1, flapping=0.1))
    traits = [sensors.trait(str(number)) for number in range(4_000)]
    assert 0.17 < traits.count(Trait.SILENT) / 4_000 < 0.23
    assert 0.36 < traits.count(Trait.SOUND) / 4_000 < 0.44


@pytest.mark.parametrize(
    "wrong",
    [
        {"late": 1.1},
        {"stuck": -0.1},
        {"late_s": (5.0, 1.0)},
        {"stuck": 0.6, "silent": 0.6},
        {"order_deaf": 0.6, "order_answered_late": 0.6},
    ],
)
def test_impossible_plans_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"must be|more than all"):
        FaultPlan(**wrong)  # type: ignore[arg-type]  # wrong on purpose


def test_what_is_lost_is_never_told_and_leaves_its_number_out() -> None:
    assert _under(FaultPlan(lost=1)).told([ONE, TWO], AT) == []


def test_a_sensor_may_flap_often_and_numbers_every_word() -> None:
    told = _under(FaultPlan(flapping=1, flaps=20)).told([ONE], AT)
    assert len(told) == 41
    assert [event.seq for event in told] == [(ONE.seq or 0) + step for step in range(41)]
    assert told[-1].state == ONE.state
    assert all(one.state != other.state and one.at < other.at for one, other in pairwise(told))


def test_numbers_of_16_bits_come_round() -> None:
    sensors = _under(FaultPlan(wrapping=1))
    told = [event.seq for seq in range(1, 8) for event in sensors.told([but(ONE, seq=seq)], AT)]
    assert told == [65_532, 65_533, 65_534, 65_535, 0, 1, 2]


def test_flapping_less_than_once_is_no_plan() -> None:
    with pytest.raises(ValueError, match="flaps"):
        FaultPlan(flaps=0)
