"""The network between the gateway and its broker or database: cut, reset, silent, slow, in pieces."""

import random

import pytest

from app.embedded import EmbeddedPostgres
from kernel.clock import SystemClock
from tests.faults.conftest import MakeSite, Record, Scale
from tests.faults.devices import speaking
from tests.faults.proxy import Proxy, Trip
from tests.mosquitto import Mosquitto

pytestmark = pytest.mark.timeout(600)

INGEST_BYTES = 2_000
"""What a batch sends before its COMMIT, at the least: tells it from the gateway's smaller transactions."""


async def test_broker_connection_cut_and_reset(
    make_site: MakeSite,
    database_url: str,
    own_broker: Mosquitto,
    real_clock: SystemClock,
    scale: Scale,
    seed: int,
    dice: random.Random,
    record: Record,
) -> None:
    async with Proxy(own_broker.port, real_clock, seed=seed) as proxy:
        site = await make_site(database_url, own_broker.port, mqtt_port=proxy.port)
        await site.start()
        async with speaking(site.devices, site.broker_port, site.clock):
            for turn in range(2 * scale.rounds):
                await site.work_goes_on()
                await site.clock.sleep(dice.uniform(0, 0.3))
                if turn % 2:
                    proxy.cut()
                else:
                    proxy.reset()
        record(await site.healed(), 2 * scale.rounds)


async def test_broker_connection_slow_and_in_pieces(
    make_site: MakeSite,
    database_url: str,
    own_broker: Mosquitto,
    real_clock: SystemClock,
    scale: Scale,
    seed: int,
    record: Record,
) -> None:
    async with Proxy(own_broker.port, real_clock, seed=seed) as proxy:
        proxy.latency_s, proxy.slice_bytes_max = 0.02, 700
        site = await make_site(database_url, own_broker.port, mqtt_port=proxy.port)
        await site.start()
        async with speaking(site.devices, site.broker_port, site.clock):
            for _ in range(scale.rounds):
                await site.work_goes_on(events=500)
                proxy.reset()
        record(await site.healed(), scale.rounds)


async def test_broker_silent_for_a_while(
    make_site: MakeSite,
    database_url: str,
    own_broker: Mosquitto,
    real_clock: SystemClock,
    scale: Scale,
    seed: int,
    record: Record,
) -> None:
    """A half-open line that comes back before anyone has noticed."""
    async with Proxy(own_broker.port, real_clock, seed=seed) as proxy:
        site = await make_site(database_url, own_broker.port, mqtt_port=proxy.port)
        await site.start()
        async with speaking(site.devices, site.broker_port, site.clock):
            for _ in range(scale.rounds):
                await site.work_goes_on()
                proxy.black_hole(True)
                await site.clock.sleep(1.5)
                proxy.black_hole(False)
        record(await site.healed(), scale.rounds)


@pytest.mark.usefixtures("long_only")
async def test_broker_silent_for_ever(
    make_site: MakeSite,
    database_url: str,
    own_broker: Mosquitto,
    real_clock: SystemClock,
    seed: int,
    record: Record,
) -> None:
    """Nobody is told that the line is dead: the gateway must notice by itself and come back over another one."""
    async with Proxy(own_broker.port, real_clock, seed=seed) as proxy:
        site = await make_site(database_url, own_broker.port, mqtt_port=proxy.port)
        await site.start()
        async with speaking(site.devices, site.broker_port, site.clock):
            await site.work_goes_on()
            connections = proxy.accepted
            proxy.black_hole(True)
            await site.until(lambda: proxy.accepted > connections, "the gateway sits on a dead line", within_s=120)
            proxy.black_hole(False)
            await site.work_goes_on()
        record(await site.healed(), 1)


async def test_database_connection_cut_and_reset(
    make_site: MakeSite,
    postgres_server: EmbeddedPostgres,
    database_url: str,
    own_broker: Mosquitto,
    real_clock: SystemClock,
    scale: Scale,
    seed: int,
    dice: random.Random,
    record: Record,
) -> None:
    async with Proxy(postgres_server.port, real_clock, seed=seed) as proxy:
        site = await make_site(database_url, own_broker.port, through=by_proxy(postgres_server, database_url, proxy))
        await site.start()
        async with speaking(site.devices, site.broker_port, site.clock):
            for turn in range(2 * scale.rounds):
                await site.work_goes_on()
                await site.clock.sleep(dice.uniform(0, 0.3))
                if turn % 2:
                    proxy.cut()
                else:
                    proxy.reset()
        record(await site.healed(), 2 * scale.rounds)


@pytest.mark.parametrize("let_through", [True, False], ids=["committed", "not-committed"])
async def test_outcome_of_commit_unknown(
    make_site: MakeSite,
    postgres_server: EmbeddedPostgres,
    database_url: str,
    own_broker: Mosquitto,
    real_clock: SystemClock,
    scale: Scale,
    seed: int,
    record: Record,
    let_through: bool,
) -> None:
    """The connection dies with COMMIT under way: once it took effect, once it did not, and the gateway cannot know."""
    times = 2 * scale.rounds - 1
    async with Proxy(postgres_server.port, real_clock, seed=seed) as proxy:
        site = await make_site(database_url, own_broker.port, through=by_proxy(postgres_server, database_url, proxy))
        await site.start()
        async with speaking(site.devices, site.broker_port, site.clock):
            await site.work_goes_on()
            proxy.trip = Trip(b"COMMIT", let_through=let_through, times=times, after_bytes=INGEST_BYTES)
            await site.until(proxy.trip.done.is_set, "the gateway never committed a batch", within_s=60)
            await site.work_goes_on()
        record(await site.healed(), times)


async def test_database_falls_silent(
    make_site: MakeSite,
    postgres_server: EmbeddedPostgres,
    database_url: str,
    own_broker: Mosquitto,
    real_clock: SystemClock,
    scale: Scale,
    seed: int,
    record: Record,
) -> None:
    """Silence shorter than every time-out: late, not lost."""
    async with Proxy(postgres_server.port, real_clock, seed=seed) as proxy:
        site = await make_site(database_url, own_broker.port, through=by_proxy(postgres_server, database_url, proxy))
        await site.start()
        async with speaking(site.devices, site.broker_port, site.clock):
            for _ in range(scale.rounds):
                await site.work_goes_on()
                proxy.black_hole(True)
                await site.clock.sleep(2.0)
                proxy.black_hole(False)
        record(await site.healed(), scale.rounds)


def by_proxy(server: EmbeddedPostgres, database_url: str, proxy: Proxy) -> str:
    """The database's loopback address with the proxy's port in it."""
    name = database_url.partition("?")[0].rpartition("/")[2]
    return server.public_url(name).replace(f":{server.port}/", f":{proxy.port}/")
