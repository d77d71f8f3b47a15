"""The simulation against a real broker: introduced, ticking, obeying, faulty; heard as the contract says."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from app.embedded import EmbeddedBroker
from contracts.wire import (
    AckMessage,
    CountsMessage,
    OrderKindWord,
    OrderMessage,
    PassageMessage,
    SpaceEvent,
    SpacesMessage,
    StatusMessage,
    up_topic,
)
from kernel.clock import ManualClock, SystemClock
from simulators.faults import FaultPlan
from simulators.ledger import Ledger, read_ledger, space_events
from simulators.operator_api import CarParkHeld, LaneHeld, ZoneHeld
from simulators.simulation import Simulation
from simulators.speakers import Connections, Speakers
from tests.conftest import Eventually
from tests.integration.simulators.conftest import Ears, Listen

SENSED = CarParkHeld("sensed", "sim", 60, "street", "spaces", spaces={"": [f"S{number:02}" for number in range(60)]})
COUNTED = CarParkHeld("counted", "sim", 300, "mall", "counts", zones=[ZoneHeld("B1", 200), ZoneHeld("B2", 100)])
LANES = CarParkHeld(
    "lanes", "sim", 200, "hospital", "passages", lanes=[LaneHeld("E1", "entry"), LaneHeld("X1", "exit")]
)
Start = Callable[..., Awaitable[tuple[Simulation, Speakers]]]


def _events(ears: Ears) -> list[SpaceEvent]:
    payloads = ears.on(up_topic("sim", "sensed", "spaces"))
    return [event for payload in payloads for event in msgspec.json.decode(payload, type=SpacesMessage).events]


@pytest.fixture
async def start(broker: EmbeddedBroker, clock: ManualClock) -> AsyncIterator[Start]:
    """Starts a simulation whose city moves by `clock`, while its connections live in real time."""
    opened: list[Speakers] = []

    async def begin(
        held: Sequence[CarParkHeld],
        *,
        faults: FaultPlan | None = None,
        connections: Connections = "shared",
        ledger: Ledger | None = None,
    ) -> tuple[Simulation, Speakers]:
        simulation = Simulation(
            held, clock, seed=5, speed=60, zone=ZoneInfo("Asia/Shanghai"), faults=faults or FaultPlan()
        )
        speakers = Speakers(
            broker.url,
            SystemClock(),
            {each.id: (each.operator, simulation.car_park(each.id)) for each in held},
            name=f"sim-{id(simulation)}",
            connections=connections,
            hear=simulation.hear,
            ledger=ledger,
        )
        opened.append(speakers)
        await speakers.open()
        return simulation, speakers

    yield begin
    for speakers in opened:
        await speakers.close()


async def _live(simulation: Simulation, speakers: Speakers, clock: ManualClock, ticks: int) -> None:
    for _ in range(ticks):
        clock.advance(1)
        await simulation.tick(speakers)


def order_to(clock: ManualClock, kind: OrderKindWord, *, order: str = "ord_1", lane: str | None = None) -> bytes:
    message = OrderMessage(order, kind, clock.now() + timedelta(seconds=60), "test", lane)
    return msgspec.json.encode(message)


async def test_every_car_park_is_introduced_and_then_tells_what_changes(
    broker: EmbeddedBroker, listen: Listen, start: Start, clock: ManualClock, eventually: Eventually
) -> None:
    ears = await listen(broker.url, "parking/v1/sim/#")
    simulation, speakers = await start([SENSED, COUNTED, LANES])
    began = clock.now()
    await simulation.introduce_all(speakers)
    await eventually(lambda: len(_events(ears)) == 60)
    assert {event.seq for event in _events(ears)} == {1}
    status = msgspec.json.decode(ears.on(up_topic("sim", "lanes", "status"))[0], type=StatusMessage)
    assert status.online

    await _live(simulation, speakers, clock, 120)
    changes = simulation.progress().changes
    await speakers.close()
    await ears.caught_up("parking/v1/sim/caught/up")
    passages = [
        msgspec.json.decode(payload, type=PassageMessage) for payload in ears.on(up_topic("sim", "lanes", "passages"))
    ]
    counts = [
        report
        for payload in ears.on(up_topic("sim", "counted", "counts"))
        for report in msgspec.json.decode(payload, type=CountsMessage).counts
    ]
    assert changes > 100
    assert len(_events(ears)) > 60 + 20
    assert len({passage.id for passage in passages}) == len(passages) > 20
    assert {report.zone for report in counts} == {"B1", "B2"}
    for report in counts:
        assert report.capacity is not None
        occupied = report.occupied if report.occupied is not None else report.capacity - (report.free or 0)
        assert 0 <= occupied == (report.entered or 0) - (report.left or 0) <= report.capacity
    assert all(began <= event.at <= clock.now() for event in _events(ears))
    assert all(passage.at <= clock.now() for passage in passages)


async def test_later_words_of_a_sensor_are_newer(
    broker: EmbeddedBroker, listen: Listen, start: Start, clock: ManualClock
) -> None:
    ears = await listen(broker.url, "parking/v1/sim/#")
    simulation, speakers = await start([SENSED])
    await simulation.introduce_all(speakers)
    await _live(simulation, speakers, clock, 300)
    await speakers.close()
    await ears.caught_up("parking/v1/sim/caught/up")
    newest: dict[str, SpaceEvent] = {}
    for event in _events(ears):
        before = newest.get(event.space)
        if before is not None:
            assert (event.at, event.seq or 0) > (before.at, before.seq or 0)
        newest[event.space] = event


async def test_every_sensor_is_heard_within_ten_minutes(
    broker: EmbeddedBroker, listen: Listen, start: Start, clock: ManualClock
) -> None:
    ears = await listen(broker.url, "parking/v1/sim/#")
    simulation, speakers = await start([SENSED])
    await simulation.introduce_all(speakers)
    await _live(simulation, speakers, clock, 605)
    await speakers.close()
    await ears.caught_up("parking/v1/sim/caught/up")
    assert {event.space for event in _events(ears) if event.battery is not None and (event.seq or 0) > 1} == {
        f"S{number:02}" for number in range(60)
    }


async def test_an_order_to_resend_brings_a_snapshot_and_an_acknowledgement(
    broker: EmbeddedBroker, listen: Listen, start: Start, clock: ManualClock, eventually: Eventually
) -> None:
    ears = await listen(broker.url, "parking/v1/sim/#")
    simulation, speakers = await start([SENSED])
    await simulation.introduce_all(speakers)
    await ears.say(up_topic("sim", "sensed", "orders"), order_to(clock, "resend_snapshot"))

    async def acknowledged() -> list[bytes]:
        await _live(simulation, speakers, clock, 1)
        return ears.on(up_topic("sim", "sensed", "acks"))

    (answer,) = await eventually(acknowledged)
    assert msgspec.json.decode(answer, type=AckMessage).order == "ord_1"
    assert len(_events(ears)) >= 120
    await speakers.close()


@pytest.mark.parametrize(
    ("fault", "answers"),
    [
        ({}, [("sensed", True)]),
        ({"order_answered_twice": 1}, [("sensed", True)] * 2),
        ({"order_jammed": 1}, [("sensed", False)]),
        ({"order_answered_by_another": 1}, [("lanes", True)]),
        ({"order_deaf": 1}, []),
        ({"order_answered_late": 1}, [("sensed", True)]),
    ],
)
async def test_a_barrier_opens_once_an_order_and_answers_as_its_fault_has_it(
    broker: EmbeddedBroker,
    listen: Listen,
    start: Start,
    clock: ManualClock,
    fault: dict[str, float],
    answers: list[tuple[str, bool]],
) -> None:
    ears = await listen(broker.url, "parking/v1/sim/+/acks")
    simulation, speakers = await start([SENSED, LANES], faults=FaultPlan(**fault))  # type: ignore[arg-type]  # rates
    first = order_to(clock, "open_barrier", lane="X1")
    simulation.hear(up_topic("sim", "sensed", "orders"), first)
    simulation.hear(up_topic("sim", "sensed", "orders"), order_to(clock, "open_barrier", lane="X1", order="ord_2"))
    await simulation.obey_all(speakers)
    if "order_answered_late" in fault:
        assert not ears.on(up_topic("sim", "sensed", "acks"))
        clock.advance(62)
        await simulation.obey_all(speakers)
    simulation.hear(up_topic("sim", "sensed", "orders"), first)
    await simulation.obey_all(speakers)
    await speakers.close()
    await ears.caught_up("parking/v1/sim/caught/acks")
    words = [
        (topic.split("/")[3], msgspec.json.decode(payload, type=AckMessage))
        for topic, payload in ears.heard
        if "/caught/" not in topic and topic.startswith("parking/")
    ]
    assert [(who, ack.ok) for who, ack in words if ack.order == "ord_2"] == answers
    opened = simulation.car_park("sensed").equipment.opened["X1"]
    assert opened == (0 if "order_deaf" in fault or "order_jammed" in fault else 2)


async def test_a_restart_begins_a_new_epoch_with_a_snapshot(
    broker: EmbeddedBroker, listen: Listen, start: Start, clock: ManualClock
) -> None:
    ears = await listen(broker.url, "parking/v1/sim/#")
    simulation, speakers = await start([SENSED], faults=FaultPlan(reconnect=1))
    await simulation.introduce_all(speakers)
    await _live(simulation, speakers, clock, 3)
    await speakers.close()
    await ears.caught_up("parking/v1/sim/caught/up")
    epochs = sorted({event.epoch or "" for event in _events(ears)})
    assert len(epochs) == 4
    assert [event.epoch for event in _events(ears)][-1] == epochs[-1]


async def test_own_connections_have_a_will_and_introduce_themselves_when_back(
    broker: EmbeddedBroker, listen: Listen, start: Start, clock: ManualClock, eventually: Eventually
) -> None:
    ears = await listen(broker.url, "parking/v1/sim/#")
    simulation, speakers = await start([SENSED, COUNTED], connections="own")
    await simulation.introduce_all(speakers)
    topic = up_topic("sim", "sensed", "status")
    await ears.caught_up("parking/v1/sim/caught/up")
    ears.heard.clear()
    speakers.cut("sensed")

    async def back() -> bool:
        await _live(simulation, speakers, clock, 1)
        return len(ears.on(topic)) >= 2

    await eventually(back)
    words = [msgspec.json.decode(payload, type=StatusMessage).online for payload in ears.on(topic)]
    assert words[:2] == [False, True]
    assert ears.on(up_topic("sim", "counted", "status")) == []
    await speakers.close()


async def test_the_ledger_says_what_was_heard_under_faults(
    broker: EmbeddedBroker, listen: Listen, start: Start, clock: ManualClock, eventually: Eventually, tmp_path: Path
) -> None:
    ears = await listen(broker.url, "parking/v1/sim/#")
    plan = FaultPlan(1, duplicate=0.2, out_of_order=0.2, late=0.1, late_s=(2, 5), flapping=0.1, clock_ahead=0.1)
    with Ledger(tmp_path / "ledger") as ledger:
        simulation, speakers = await start([SENSED], faults=plan, ledger=ledger)
        await simulation.introduce_all(speakers)
        await _live(simulation, speakers, clock, 60)
        await simulation.say_goodbye(speakers)
        await speakers.close()
    booked = [event for _, event, _ in space_events(read_ledger(tmp_path / "ledger"))]
    await eventually(lambda: len(_events(ears)) >= len(booked))
    assert _events(ears) == booked
    assert len(booked) > 60
    assert any(event.at > clock.now() + timedelta(seconds=30) for event in booked)
    last = msgspec.json.decode(ears.on(up_topic("sim", "sensed", "status"))[-1], type=StatusMessage)
    assert not last.online
