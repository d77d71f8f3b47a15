"""Too much at once, and time that jumps: a flood, everybody at the door, a process that stood still, a long soak."""

import asyncio
import contextlib
import random
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from statistics import linear_regression, quantiles

import msgspec
import psutil
import pytest

from app.bench.publisher import Publisher
from app.processes import LOOPBACK
from contracts.wire import PUBLIC_PREFIX
from gateway.mqtt import KEEPALIVE_S
from kernel.clock import SystemClock
from simulators.wire_client import WireClient
from tests.faults.conftest import Record, Scale
from tests.faults.devices import CAR_PARKS, SPACES_EACH, encode, speaking
from tests.faults.ledger import Said
from tests.faults.proxy import Proxy
from tests.faults.site import Site
from tests.mosquitto import Mosquitto

pytestmark = pytest.mark.timeout(600)

CALM_MESSAGES_S = 100
FLOOD_TIMES = 10
PROBES_MIN = 20
DEVICES = 608
STOOD_STILL_S = 6.0
"""Longer than the lease of a slot; nobody else is there to take it."""
SOAK_MESSAGES_S = 40
GROWTH_BYTES_MAX = 8 * 1024 * 1024
DESCRIPTORS_MAX = 4


class Witness:
    """Says a word for one car park after the other and hears when everybody knows it."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._shown: dict[str, str] = {}
        self._heard = asyncio.Event()
        self._seq = 0
        url = f"mqtt://{LOOPBACK}:{site.broker_port}"
        self._client = WireClient(url, site.clock, client_id="witness", filters=[f"{PUBLIC_PREFIX}/+"], hear=self._hear)

    @asynccontextmanager
    async def looking(self) -> AsyncIterator["Witness"]:
        await self._client.open()
        yield self
        await self._client.close()

    def _hear(self, topic: str, payload: bytes) -> None:
        self._shown[topic.rpartition("/")[2]] = msgspec.json.decode(payload)["as_of"]
        self._heard.set()

    async def p99_s(self, seconds: float) -> float:
        """Of the times from a word to its being public, of every car park but the first."""
        clock, took_s, until = self._site.clock, list[float](), self._site.clock.monotonic() + seconds
        while clock.monotonic() < until or len(took_s) < PROBES_MIN:
            self._seq += 1
            car_park = f"fault-{self._seq % (CAR_PARKS - 1) + 1}"
            state = "occupied" if self._seq // CAR_PARKS % 2 else "free"
            said = Said(car_park, "B1-000", clock.now(), "w", self._seq, state)
            self._site.devices.ledger.say(said)
            started = clock.monotonic()
            await self._client.publish(self._site.devices.topic(car_park), encode([said]))
            wanted = said.at.isoformat(timespec="milliseconds")[:23]
            async with asyncio.timeout(30):
                while self._shown.get(car_park, "")[:23] < wanted:
                    self._heard.clear()
                    await self._heard.wait()
            took_s.append(clock.monotonic() - started)
        return quantiles(took_s, n=100)[98]


@asynccontextmanager
async def flooding(site: Site, car_park: str, messages_s: int) -> AsyncIterator[None]:
    """One car park sends `messages_s` messages of one event a second."""
    over = asyncio.Event()

    async def flood(publisher: Publisher) -> None:
        number = 0
        while not over.is_set():
            for _ in range(messages_s // 20):
                number += 1
                said = Said(car_park, f"B1-{number % SPACES_EACH:03}", site.clock.now(), "f", number, "occupied")
                site.devices.ledger.say(said)
                await publisher.publish(site.devices.topic(car_park), encode([said]))
            await site.clock.sleep(1 / 20)

    async with Publisher(LOOPBACK, site.broker_port, "flood", site.clock) as publisher:
        task = asyncio.create_task(flood(publisher))
        try:
            yield
        finally:
            over.set()
            await task
        await publisher.acknowledged()


async def test_one_car_park_floods_the_others(site: Site, scale: Scale, record: Record) -> None:
    """The others are heard meanwhile, and nothing is lost. How long they wait is written down here and measured by
    `berth bench noise`: a time is never asserted.
    """
    await site.start()
    async with (
        speaking(site.devices, site.broker_port, site.clock, messages_s=CALM_MESSAGES_S),
        Witness(site).looking() as witness,
    ):
        await site.work_goes_on(events=500)
        calm_s = await witness.p99_s(scale.seconds / 2)
        async with flooding(site, "fault-0", FLOOD_TIMES * CALM_MESSAGES_S):
            flooded_s = await witness.p99_s(scale.seconds / 2)
    record(await site.healed(), 1, f"p99 of the others {1000 * calm_s:.0f} ms, {1000 * flooded_s:.0f} ms in the flood")


async def test_everybody_reconnects_at_once(
    site: Site, own_broker: Mosquitto, real_clock: SystemClock, scale: Scale, record: Record
) -> None:
    """The broker restarts under 608 devices, each of which has something to say and says it at once."""
    await site.start()
    async with contextlib.AsyncExitStack() as stack:
        devices = [Publisher(LOOPBACK, own_broker.port, f"d{n}", real_clock, in_flight_max=20) for n in range(DEVICES)]
        for device in devices:
            await stack.enter_async_context(device)
        for _ in range(scale.turns):
            own_broker.stop()
            for device, (topic, payload) in zip(devices, site.devices.messages(DEVICES), strict=True):
                await device.publish(topic, payload)
            own_broker.start()
            await asyncio.gather(*(device.acknowledged() for device in devices))
            await site.until_received(site.devices.ledger.events)
    record(await site.healed(), scale.turns, f"{DEVICES} devices", kinds=("broker stops",))


async def test_the_process_stands_still(site: Site, scale: Scale, record: Record) -> None:
    """As when its loop is blocked or its machine is moved: broker, database and lease went on without it."""
    await stand_still(site, STOOD_STILL_S, scale.turns)
    record(await site.healed(), scale.turns, f"for {STOOD_STILL_S:.0f} s")


@pytest.mark.long_only
async def test_the_process_stands_still_for_twice_the_keepalive(site: Site, record: Record) -> None:
    """The broker has given it up."""
    await stand_still(site, 2.0 * KEEPALIVE_S, 2)
    record(await site.healed(), 2, f"for {2 * KEEPALIVE_S} s")


async def stand_still(site: Site, seconds: float, times: int) -> None:
    await site.start()
    async with speaking(site.devices, site.broker_port, site.clock):
        for _ in range(times):
            await site.work_goes_on(events=100)
            process = psutil.Process(site.gateway.pid)
            process.suspend()
            await site.clock.sleep(seconds)
            process.resume()
            await site.work_goes_on()
            assert process.is_running(), site.gateway.last_words()


@pytest.mark.long_only
@pytest.mark.timeout(5_000)
async def test_soak(
    lines_site: Site,
    own_broker: Mosquitto,
    to_broker: Proxy,
    to_database: Proxy,
    dice: random.Random,
    record: Record,
    request: pytest.FixtureRequest,
) -> None:
    """Every few seconds another fault happens to one and the same process, which must not grow by them."""
    site, seconds = lines_site, 60.0 * float(request.config.getoption("--soak-minutes"))
    await site.start()
    process = psutil.Process(site.gateway.pid)
    samples: list[tuple[float, float, float]] = []
    done = 0
    faults = (
        to_broker.reset, to_broker.cut, to_database.reset, to_database.cut, own_broker.stop,
        lambda: process.send_signal(signal.SIGSTOP),
    )  # fmt: skip
    async with speaking(site.devices, site.broker_port, site.clock, messages_s=SOAK_MESSAGES_S):
        until = site.clock.monotonic() + seconds
        while (now := site.clock.monotonic()) < until:
            dice.choice(faults)()
            done += 1
            await site.clock.sleep(dice.uniform(0.1, 1.0))
            if own_broker.process is None:
                own_broker.start()
            process.resume()
            await site.work_goes_on()
            await site.clock.sleep(dice.uniform(1.0, 4.0))
            samples.append((now, process.memory_full_info().uss, process.num_fds()))
    when, used, descriptors = zip(*samples[len(samples) // 2 :], strict=True)
    half_s = when[-1] - when[0]
    memory = linear_regression(when, used).slope * half_s
    files = linear_regression(when, descriptors).slope * half_s
    remark = f"in {seconds / 60:.0f} min; its second half: {memory / 2**20:+.1f} MiB, {files:+.1f} descriptors"
    record(await site.healed(), done, remark)
    assert memory < GROWTH_BYTES_MAX
    assert files < DESCRIPTORS_MAX
