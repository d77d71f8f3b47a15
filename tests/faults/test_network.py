"""The network between the gateway and its broker or database: cut, reset, silent, slow, in pieces."""

import random

import pytest

from tests.faults.conftest import Record, Scale
from tests.faults.devices import speaking
from tests.faults.proxy import Proxy, Trip
from tests.faults.site import Site

pytestmark = pytest.mark.timeout(600)

INGEST_BYTES = 2_000
"""What a batch sends before its COMMIT, at the least: tells it from the gateway's smaller transactions."""


@pytest.mark.runs(6)
async def test_broker_connection_cut_and_reset(
    broker_line_site: Site, to_broker: Proxy, scale: Scale, dice: random.Random, record: Record
) -> None:
    await cut_and_reset(broker_line_site, to_broker, 2 * scale.rounds, dice)
    record(await broker_line_site.healed(), 2 * scale.rounds, kinds=("network cuts",))


@pytest.mark.runs(5)
async def test_database_connection_cut_and_reset(
    database_line_site: Site, to_database: Proxy, scale: Scale, dice: random.Random, record: Record
) -> None:
    await cut_and_reset(database_line_site, to_database, 2 * scale.rounds, dice)
    record(await database_line_site.healed(), 2 * scale.rounds, kinds=("network cuts",))


async def cut_and_reset(site: Site, line: Proxy, times: int, dice: random.Random) -> None:
    """In turns, under load, each as soon as work goes on after the last one."""
    await site.start()
    async with speaking(site.devices, site.broker_port, site.clock):
        for turn in range(times):
            await site.work_goes_on()
            await site.clock.sleep(dice.uniform(0, 0.3))
            if turn % 2:
                line.cut()
            else:
                line.reset()


async def test_broker_connection_slow_and_in_pieces(
    broker_line_site: Site, to_broker: Proxy, scale: Scale, record: Record
) -> None:
    site = broker_line_site
    to_broker.latency_s, to_broker.slice_bytes_max = 0.02, 700
    await site.start()
    async with speaking(site.devices, site.broker_port, site.clock):
        for _ in range(scale.rounds):
            await site.work_goes_on(events=500)
            to_broker.reset()
    record(await site.healed(), scale.rounds, kinds=("network cuts",))


async def test_broker_silent_for_a_while(
    broker_line_site: Site, to_broker: Proxy, scale: Scale, record: Record
) -> None:
    """A half-open line that comes back before anyone has noticed."""
    await silent_again_and_again(broker_line_site, to_broker, scale.rounds, 1.5)
    record(await broker_line_site.healed(), scale.rounds)


async def test_database_falls_silent(
    database_line_site: Site, to_database: Proxy, scale: Scale, record: Record
) -> None:
    """Silence shorter than every time-out: late, not lost."""
    await silent_again_and_again(database_line_site, to_database, scale.rounds, 2.0)
    record(await database_line_site.healed(), scale.rounds)


async def silent_again_and_again(site: Site, line: Proxy, times: int, seconds: float) -> None:
    await site.start()
    async with speaking(site.devices, site.broker_port, site.clock):
        for _ in range(times):
            await site.work_goes_on()
            line.black_hole(True)
            await site.clock.sleep(seconds)
            line.black_hole(False)


@pytest.mark.long_only
async def test_broker_silent_for_ever(broker_line_site: Site, to_broker: Proxy, record: Record) -> None:
    """Nobody is told that the line is dead: the gateway must notice by itself and come back over another one."""
    site = broker_line_site
    await site.start()
    async with speaking(site.devices, site.broker_port, site.clock):
        await site.work_goes_on()
        connections = to_broker.accepted
        to_broker.black_hole(True)
        await site.until(lambda: to_broker.accepted > connections, "the gateway sits on a dead line", within_s=120)
        to_broker.black_hole(False)
        await site.work_goes_on()
    record(await site.healed(), 1, kinds=("network cuts",))


@pytest.mark.parametrize("let_through", [True, False], ids=["committed", "not_committed"])
async def test_outcome_of_commit_unknown(
    database_line_site: Site, to_database: Proxy, scale: Scale, record: Record, let_through: bool
) -> None:
    """The connection dies with COMMIT under way: once it took effect, once it did not, and the gateway cannot know."""
    site, times = database_line_site, 2 * scale.rounds - 1
    await site.start()
    async with speaking(site.devices, site.broker_port, site.clock):
        await site.work_goes_on()
        trip = to_database.trip = Trip(b"COMMIT", let_through=let_through, times=times, after_bytes=INGEST_BYTES)
        await site.until(trip.done.is_set, "the gateway never committed a batch", within_s=60)
        await site.work_goes_on()
    record(await site.healed(), times, kinds=("network cuts",))


@pytest.mark.runs(2)
@pytest.mark.parametrize("let_through", [False, True], ids=["before_commit", "after_commit_before_puback"])
async def test_gateway_crashes_at_its_commit(
    database_line_site: Site, to_database: Proxy, scale: Scale, record: Record, let_through: bool
) -> None:
    """kill -9 with COMMIT written and not yet at the database; or answered, and no message acknowledged."""
    site = database_line_site
    await site.start()
    async with speaking(site.devices, site.broker_port, site.clock):
        for _ in range(scale.kills):
            await site.work_goes_on()
            trip = to_database.trip = Trip(
                b"COMMIT", let_through=let_through, times=1, after_bytes=INGEST_BYTES, act=site.gateway.kill
            )
            await site.until(trip.done.is_set, "the gateway never committed a batch")
            site.gateway.start()
    verdict = await site.healed()
    twice = await site.received() - site.devices.ledger.events
    assert twice > 0 or not let_through, "what was committed and not acknowledged did not come again"
    record(verdict, scale.kills, f"{twice:,} events came again", kinds=("gateway kills",))
