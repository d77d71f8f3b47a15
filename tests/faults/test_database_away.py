"""The database is away: the gateway waits without growing, goes on when it is back, and stops in time without it."""

import asyncio

import psutil
import pytest

from app.bench.publisher import Publisher
from app.embedded import EmbeddedPostgres
from app.processes import LOOPBACK
from gateway.connection import CONNECT_TIMEOUT_S
from kernel.clock import SystemClock
from tests.faults.conftest import MakeSite, Record, Scale
from tests.faults.devices import speaking
from tests.faults.proxy import Proxy
from tests.faults.test_network import by_proxy
from tests.mosquitto import Mosquitto

pytestmark = pytest.mark.timeout(600)
GROWTH_BYTES_MAX = 32 * 1024 * 1024
"""The target for ten minutes; what is queued beyond Receive Maximum stays with the broker."""
STOP_S_MAX = 10.0


async def test_memory_stays_flat_and_nothing_is_lost(
    make_site: MakeSite,
    postgres_server: EmbeddedPostgres,
    database_url: str,
    own_broker: Mosquitto,
    real_clock: SystemClock,
    scale: Scale,
    seed: int,
    record: Record,
) -> None:
    async with Proxy(postgres_server.port, real_clock, seed=seed) as proxy:
        site = await make_site(database_url, own_broker.port, through=by_proxy(postgres_server, database_url, proxy))
        await site.start()
        async with speaking(site.devices, site.broker_port, site.clock):
            await site.work_goes_on(events=5_000)
            process = psutil.Process(site.gateway.pid)
            before = process.memory_full_info().uss
            proxy.refuse = True
            proxy.reset()
            await site.clock.sleep(scale.seconds)
            growth = process.memory_full_info().uss - before
            proxy.refuse = False
        record(await site.healed(), 1, f"{growth / 2**20:+.1f} MiB in {scale.seconds:.0f} s away")
    assert growth < GROWTH_BYTES_MAX, f"grew by {growth / 2**20:.1f} MiB while the database was away"


@pytest.mark.parametrize("silent", [False, True], ids=["refused", "silent"])
async def test_stops_in_time_without_a_database(
    make_site: MakeSite,
    postgres_server: EmbeddedPostgres,
    database_url: str,
    own_broker: Mosquitto,
    real_clock: SystemClock,
    seed: int,
    silent: bool,
) -> None:
    """What it had not committed it does not acknowledge: the next gateway finds everything with the broker."""
    async with Proxy(postgres_server.port, real_clock, seed=seed) as proxy:
        site = await make_site(database_url, own_broker.port, through=by_proxy(postgres_server, database_url, proxy))
        await site.start()
        async with speaking(site.devices, site.broker_port, site.clock):
            await site.work_goes_on()
            if silent:
                proxy.black_hole(True)
            else:
                proxy.refuse = True
                proxy.reset()
            await site.clock.sleep(0.5)
            started = site.clock.monotonic()
            code = await asyncio.to_thread(site.gateway.stop)
            took_s = site.clock.monotonic() - started
        assert code == 0, site.gateway.last_words()
        assert took_s <= STOP_S_MAX
        proxy.refuse = False
        proxy.black_hole(False)
        site.gateway.start()
        await site.healed()


async def test_a_slow_database_and_a_large_backlog_are_no_reason_to_reconnect(
    make_site: MakeSite,
    postgres_server: EmbeddedPostgres,
    database_url: str,
    own_broker: Mosquitto,
    real_clock: SystemClock,
    seed: int,
) -> None:
    """The broker's answers stand in line behind what it kept for us; reading them may take longer than a connect."""
    async with (
        Proxy(postgres_server.port, real_clock, seed=seed) as to_database,
        Proxy(own_broker.port, real_clock, seed=seed) as to_broker,
    ):
        site = await make_site(
            database_url,
            own_broker.port,
            through=by_proxy(postgres_server, database_url, to_database),
            mqtt_port=to_broker.port,
        )
        await site.start()
        await asyncio.to_thread(site.gateway.stop)
        async with Publisher(LOOPBACK, own_broker.port, "devices", real_clock) as publisher:
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
