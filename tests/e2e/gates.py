"""Cameras, barriers and displays of one car park, simulated over MQTT; nobody but the test drives."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from zoneinfo import ZoneInfo

import msgspec

from contracts.wire import PassageMessage, Plate, up_topic
from kernel.clock import SystemClock
from simulators.car_park import Message
from simulators.faults import FaultPlan
from simulators.operator_api import OperatorApi
from simulators.simulation import Simulation
from simulators.speakers import Speakers


class Gate:
    """Lanes E1 and X1."""

    def __init__(self, operator: str, car_park: str, speakers: Speakers, simulation: Simulation) -> None:
        self._operator, self._car_park, self._speakers = operator, car_park, speakers
        self._equipment = simulation.car_park(car_park).equipment
        self._seen = 0

    async def sees(self, plate: Plate, lane: str, *, ago: timedelta = timedelta(0)) -> None:
        """Now, or so long `ago`: its line was down."""
        self._seen += 1
        seen = PassageMessage(
            f"{lane}-{self._seen}",
            lane,
            "entry" if lane == "E1" else "exit",
            SystemClock().now() - ago,
            plate,
            "small",
            0.99,
        )
        topic = up_topic(self._operator, self._car_park, "passages")
        await self._speakers.publish(self._car_park, Message(topic, msgspec.json.encode(seen)))

    def opened(self, lane: str) -> int:
        """How often by an order."""
        return self._equipment.opened[lane]

    def shows(self, lane: str) -> str:
        return self._equipment.texts.get(lane, "")


@asynccontextmanager
async def gate_of(car_park: str, http: str, mqtt: str, key: str) -> AsyncIterator[Gate]:
    """Connected. `key` is an operator's, of a city with this one car park."""
    clock = SystemClock()
    async with OperatorApi(http, key) as api:
        (held,) = [each async for each in api.inventory()]
    simulation = Simulation([held], clock, seed=1, speed=0.001, zone=ZoneInfo("Asia/Shanghai"), faults=FaultPlan(1))
    speakers = Speakers(
        mqtt,
        clock,
        {car_park: (held.operator, simulation.car_park(car_park))},
        name=car_park,
        connections="shared",
        hear=simulation.hear,
        ledger=None,
        mqtt_version="3.1.1",
    )
    await speakers.open()
    living = asyncio.create_task(simulation.run(speakers, None))
    try:
        yield Gate(held.operator, car_park, speakers, simulation)
    finally:
        living.cancel()
        await asyncio.gather(living, return_exceptions=True)
        await speakers.close()
