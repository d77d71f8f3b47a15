"""Whatever goes wrong, it goes wrong with the sensors that exist, and the same way twice."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from contracts.wire import SpaceEvent
from simulators.faults import FaultPlan, FaultySensors

AT = datetime(2026, 11, 23, tzinfo=UTC)
rate = st.floats(0, 1)
trait_rate = st.floats(0, 0.2)
plans = st.builds(
    FaultPlan,
    seed=st.integers(0, 2**32),
    duplicate=rate,
    out_of_order=rate,
    late=rate,
    late_s=st.just((1.0, 20.0)),
    stuck=trait_rate,
    silent=trait_rate,
    clock_behind=trait_rate,
    clock_ahead=trait_rate,
    flapping=trait_rate,
    burst=rate,
    burst_s=st.just((1.0, 5.0)),
)
ticks = st.lists(
    st.lists(
        st.tuples(st.sampled_from("ABCDEFG"), st.sampled_from(["free", "occupied", "out_of_service"])), max_size=6
    ),
    max_size=12,
)
Ticks = list[list[tuple[str, str]]]


def _meant(ticks: Ticks) -> list[list[SpaceEvent]]:
    seqs: dict[str, int] = {}
    meant = []
    for second, words in enumerate(ticks):
        events = []
        for space, state in words:
            seqs[space] = seqs.get(space, 0) + 1
            at = AT + timedelta(seconds=second)
            events.append(SpaceEvent(space, state, at, seqs[space], "b"))  # type: ignore[arg-type]  # a sampled literal
        meant.append(events)
    return meant


def _told(plan: FaultPlan, meant: list[list[SpaceEvent]]) -> list[SpaceEvent]:
    sensors = FaultySensors(plan, "x")
    told = [
        event for second, events in enumerate(meant) for event in sensors.told(events, AT + timedelta(seconds=second))
    ]
    for second in range(len(meant), len(meant) + 200, 10):
        told += sensors.told([], AT + timedelta(seconds=second))
    return told


@given(plans, ticks)
def test_the_same_seed_tells_the_same(plan: FaultPlan, ticks: Ticks) -> None:
    assert _told(plan, _meant(ticks)) == _told(plan, _meant(ticks))


@given(plans, ticks)
def test_no_space_and_no_number_is_made_up(plan: FaultPlan, ticks: Ticks) -> None:
    meant, sensors = _meant(ticks), FaultySensors(plan, "x")
    words = [(event.space, event.seq) for events in meant for event in events]
    for event in _told(plan, meant):
        assert event.space in {space for space, _ in words}
        if sensors.trait(event.space) != "flapping":
            assert (event.space, event.seq) in words


@given(plans, ticks)
def test_nothing_but_the_silent_and_the_dammed_is_lost(plan: FaultPlan, ticks: Ticks) -> None:
    calm = FaultPlan(
        plan.seed, plan.duplicate, plan.out_of_order, plan.late, plan.late_s, silent=plan.silent, flapping=plan.flapping
    )
    meant, sensors = _meant(ticks), FaultySensors(calm, "x")
    told = {(event.space, event.state) for event in _told(calm, meant)}
    for events in meant:
        for event in events:
            assert sensors.trait(event.space) == "silent" or (event.space, event.state) in told


@given(plans, ticks)
def test_two_different_words_of_a_sensor_never_share_a_number(plan: FaultPlan, ticks: Ticks) -> None:
    seen: dict[tuple[str, int | None], SpaceEvent] = {}
    for event in _told(plan, _meant(ticks)):
        assert seen.setdefault((event.space, event.seq), event) == event
