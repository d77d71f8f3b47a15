"""The session that the broker keeps for the gateway: pending, taken over, overflown, gone.

What the broker had and lost is made good by a snapshot; what it kept is neither lost nor doubled.
"""

import asyncio
import contextlib
import getpass
import random
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import asyncpg
import pytest

from app.bench.publisher import Publisher
from app.processes import LOOPBACK
from simulators.wire_client import WireClient
from tests.faults.conftest import MakeSite, Record, Scale
from tests.faults.devices import CAR_PARKS, OPERATOR, encode, speak, speaking
from tests.faults.ledger import Said
from tests.faults.proxy import Proxy
from tests.faults.sensors import all_known, made_good, until_right
from tests.faults.site import Site
from tests.faults.stranger import connected_as
from tests.mosquitto import Mosquitto

pytestmark = pytest.mark.timeout(600)

CLIENT_ID = "berth-gateway"
QUEUE_MAX = 50
RETAINED = 500
_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
_DUPLICATES = "SELECT duplicate FROM gateway.tally WHERE car_park = $1"


async def test_a_slow_first_message_holds_all_acknowledgements_back(
    broker_line_site: Site, to_broker: Proxy, database_url: str, record: Record
) -> None:
    """What came after it is stored and not acknowledged: over the next connection the broker sends all of it again."""
    site = broker_line_site
    await site.start()
    await speak(site.devices, site.broker_port, site.clock, messages=50)
    await site.until_received(site.devices.ledger.events)
    administrator = await asyncpg.connect(database_url)
    try:
        async with administrator.transaction():
            await administrator.execute("SELECT 1 FROM occupancy.car_park_state WHERE car_park = 'fault-0' FOR UPDATE")
            before = await administrator.fetchval(_DUPLICATES, "fault-1")
            await say(site, "fault-0", 1)
            await site.until_true(partial(administrator.fetchval, _WAITING), "nobody waits for the first message")
            stored = await site.received()
            await say(site, "fault-1", 20)
            await site.until_received(stored + 20)
            connections = to_broker.accepted
            to_broker.reset()
            await site.until(lambda: to_broker.accepted > connections, "the gateway does not reconnect")

            async def came_again() -> bool:
                return bool(await administrator.fetchval(_DUPLICATES, "fault-1") >= before + 20)

            await site.until_true(came_again, "messages were acknowledged before an older one was stored")
    finally:
        await administrator.close()
    record(await site.healed(), 1)


async def say(site: Site, car_park: str, count: int) -> None:
    """`count` messages of one event each, one after the other."""
    async with Publisher(LOOPBACK, site.broker_port, "one by one", site.clock) as publisher:
        for number in range(count):
            said = Said(car_park, f"B1-{number:03}", site.clock.now(), "z", number + 1, "occupied")
            site.devices.ledger.say(said)
            await publisher.publish(site.devices.topic(car_park), encode([said]))
        await publisher.acknowledged()


async def test_reconnects_with_messages_pending(
    broker_line_site: Site, to_broker: Proxy, database_url: str, scale: Scale, record: Record
) -> None:
    """The line is cut while thousands wait for the database: their acknowledgements belong to a connection that is
    gone, and the same ids mean other messages on the next one.
    """
    site = broker_line_site
    administrator = await asyncpg.connect(database_url)
    await site.start()
    try:
        async with speaking(site.devices, site.broker_port, site.clock):
            for _ in range(scale.turns):
                await site.work_goes_on(events=100)
                async with administrator.transaction():
                    await administrator.execute("LOCK TABLE gateway.tally IN SHARE MODE")
                    for _ in range(2):
                        await site.clock.sleep(0.5)
                        to_broker.reset()
    finally:
        await administrator.close()
    record(await site.healed(), 2 * scale.turns, kinds=("network cuts",))


async def test_receive_maximum_full_for_long(
    make_site: MakeSite, database_url: str, own_broker: Mosquitto, scale: Scale, record: Record
) -> None:
    """Twenty messages under way, and the oldest is not stored: the broker keeps the rest, for minutes."""
    site = await make_site(database_url, own_broker.port, settings={"BERTH_GATEWAY__RECEIVE_MAXIMUM": "20"})
    administrator = await asyncpg.connect(database_url)
    seconds = 2 * scale.seconds
    await site.start()
    try:
        async with speaking(site.devices, site.broker_port, site.clock, messages_s=200):
            await site.work_goes_on(events=100)
            async with administrator.transaction():
                await administrator.execute("LOCK TABLE gateway.tally IN SHARE MODE")
                await site.clock.sleep(seconds)
            await site.work_goes_on(events=100)
    finally:
        await administrator.close()
    record(await site.healed(), 1, f"for {seconds:.0f} s")


async def test_a_twin_takes_the_session_over_again_and_again(
    site: Site, scale: Scale, dice: random.Random, record: Record
) -> None:
    """Somebody connects under the gateway's name, is sent its messages, acknowledges none and goes."""
    await site.start()
    async with speaking(site.devices, site.broker_port, site.clock):
        for _ in range(scale.turns):
            await site.work_goes_on()
            async with connected_as(CLIENT_ID, site.broker_port, clean=False) as line:
                with contextlib.suppress(TimeoutError, ConnectionError):
                    async with asyncio.timeout(dice.uniform(0.05, 0.5)):
                        while await line.read(65_536):
                            pass
    record(await site.healed(), scale.turns)


async def test_session_gone_on_resume(
    broker_line_site: Site, to_broker: Proxy, scale: Scale, dice: random.Random, record: Record
) -> None:
    """Somebody made the broker forget us while we were cut off; what it had kept for us is gone with it."""
    site = broker_line_site
    await site.start()
    took_s: list[float] = []
    async with all_known(site, dice) as sensors:
        for _ in range(scale.turns):
            to_broker.refuse = True
            to_broker.reset()
            await sensors.change(0.5)
            await sensors.acknowledged()
            async with connected_as(CLIENT_ID, site.broker_port, clean=True):
                pass
            to_broker.refuse = False
            took_s.append(await until_right(site, sensors))
        verdict, remark = await made_good(site, sensors, took_s)
    record(verdict, scale.turns, remark)


@pytest.fixture
def narrow_broker(tmp_path: Path) -> Iterator[Mosquitto]:
    """Keeps QUEUE_MAX messages for whoever is away and drops the rest."""
    folder = tmp_path / "mosquitto"
    folder.mkdir()
    with Mosquitto(folder, user=getpass.getuser(), more=f"max_queued_messages {QUEUE_MAX}\n") as server:
        yield server


async def test_queue_overflows_while_the_gateway_is_away(
    make_site: MakeSite,
    database_url: str,
    narrow_broker: Mosquitto,
    scale: Scale,
    dice: random.Random,
    record: Record,
) -> None:
    """The newest words were dropped, which nobody can know before the next word of each car park."""
    site = await make_site(database_url, narrow_broker.port)
    await site.start()
    took_s: list[float] = []
    async with all_known(site, dice) as sensors:
        for _ in range(scale.turns):
            await asyncio.to_thread(site.gateway.stop)
            await sensors.change(1.0)
            await sensors.acknowledged()
            await site.start()
            await sensors.change(0.2)
            took_s.append(await until_right(site, sensors))
        verdict, remark = await made_good(site, sensors, took_s)
    assert verdict.history < verdict.events, "nothing was dropped"
    record(verdict, scale.turns, remark)


async def test_a_storm_of_retained_messages(site: Site, record: Record) -> None:
    """Devices that set the retained flag, for car parks that nobody knows, before the gateway has ever subscribed."""
    payload = b'{"space":"B1-000","state":"free","at":"2026-11-01T08:00:00Z"}'
    client = WireClient(f"mqtt://{LOOPBACK}:{site.broker_port}", site.clock, client_id="retaining")
    await client.open()
    for number in range(RETAINED):
        topic = site.devices.topic(f"nowhere-{number}", operator=OPERATOR)
        site.devices.ledger.expect_refusal(topic, payload, "unknown_car_park")
        await client.publish(topic, payload, retain=True)
    for park in range(CAR_PARKS):
        said = Said(f"fault-{park}", "B1-000", site.clock.now(), "r", 1, "occupied")
        site.devices.ledger.say(said)
        await client.publish(site.devices.topic(said.car_park), encode([said]), retain=True)
    await client.acknowledged()
    await client.close()
    await site.start()
    async with speaking(site.devices, site.broker_port, site.clock):
        await site.work_goes_on(events=1_000)
    record(await site.healed(), 1, f"{RETAINED:,} retained")
