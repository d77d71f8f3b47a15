"""The database is away: the gateway waits without growing, goes on when it is back, and stops in time without it."""

import asyncio

import psutil
import pytest

from app.bench.publisher import Publisher
from app.processes import LOOPBACK
from gateway.connection import CONNECT_TIMEOUT_S
from tests.faults.conftest import Record, Scale
from tests.faults.devices import speaking
from tests.faults.proxy import Proxy
from tests.faults.site import Site
from tests.mosquitto import Mosquitto

pytestmark = pytest.mark.timeout(600)
GROWTH_BYTES_MAX = 32 * 1024 * 1024
"""The target for ten minutes; what is queued beyond Receive Maximum stays with the broker."""
STOP_S_MAX = 10.0
"""The promise; then it is killed."""


async def test_memory_stays_flat_and_nothing_is_lost(
    database_line_site: Site, to_database: Proxy, scale: Scale, record: Record
) -> None:
    site = database_line_site
    await site.start()
    async with speaking(site.devices, site.broker_port, site.clock):
        await site.work_goes_on(events=5_000)
        process = psutil.Process(site.gateway.pid)
        before = process.memory_full_info().uss
        to_database.refuse = True
        to_database.reset()
        await site.clock.sleep(scale.seconds)
        growth = process.memory_full_info().uss - before
        to_database.refuse = False
    record(await site.healed(), 1, f"{growth / 2**20:+.1f} MiB in {scale.seconds:.0f} s away")
    assert growth < GROWTH_BYTES_MAX, f"grew by {growth / 2**20:.1f} MiB while the database was away"


@pytest.mark.parametrize("silent", [False, True], ids=["refused", "silent"])
async def test_stops_in_time_without_a_database(
    database_line_site: Site, to_database: Proxy, record: Record, silent: bool
) -> None:
    """What it had not committed it does not acknowledge: the next gateway finds everything with the broker."""
    site = database_line_site
    await site.start()
    async with speaking(site.devices, site.broker_port, site.clock):
        await site.work_goes_on()
        if silent:
            to_database.black_hole(True)
        else:
            to_database.refuse = True
            to_database.reset()
        await site.clock.sleep(0.5)
        started = site.clock.monotonic()
        code = await asyncio.to_thread(site.gateway.stop, patience_s=STOP_S_MAX)
        took_s = site.clock.monotonic() - started
    assert code == 0, site.gateway.last_words()
    to_database.refuse = False
    to_database.black_hole(False)
    site.gateway.start()
    record(await site.healed(), 1, f"stopped in {took_s:.1f} s")


@pytest.mark.long_only
async def test_a_slow_database_and_a_large_backlog_are_no_reason_to_reconnect(
    lines_site: Site, own_broker: Mosquitto, to_database: Proxy, to_broker: Proxy
) -> None:
    """The broker's answers stand in line behind what it kept for us; reading them may take longer than a connect."""
    site = lines_site
    await site.start()
    await asyncio.to_thread(site.gateway.stop)
    async with Publisher(LOOPBACK, own_broker.port, "devices", site.clock) as publisher:
        for topic, payload in site.devices.messages(40):
            await publisher.publish(topic, payload + b" " * 900_000)
        await publisher.acknowledged()
    connections = to_broker.accepted
    site.gateway.start()
    await site.until(lambda: to_broker.accepted > connections, "the gateway does not connect")
    to_database.latency_s = 0.2
    await site.clock.sleep(CONNECT_TIMEOUT_S + 2.0)
    assert await site.received() < site.devices.ledger.events, "not slow enough to prove anything"
    to_database.latency_s = 0.0
    await site.healed()
    assert to_broker.accepted == connections + 1, site.gateway.last_words()
