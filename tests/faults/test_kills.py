"""kill -9 under load: of the gateway, of PostgreSQL, of both in turn. Nothing acknowledged is lost or doubled."""

import asyncio
import random

import pytest

from app.embedded import EmbeddedBroker, EmbeddedPostgres
from tests.faults.conftest import MakeSite, Record, Scale
from tests.faults.devices import speaking
from tests.faults.killing import kill_whole_server
from tests.faults.site import Site

pytestmark = pytest.mark.timeout(600)


@pytest.mark.runs(4)
async def test_gateway_killed(site: Site, scale: Scale, dice: random.Random, record: Record) -> None:
    await site.start()
    async with speaking(site.devices, site.broker_port, site.clock):
        for _ in range(scale.kills):
            await site.work_goes_on()
            await site.clock.sleep(dice.uniform(0, 0.5))
            site.gateway.kill()
            site.gateway.start()
    record(await site.healed(), scale.kills, kinds=("gateway kills",))


@pytest.mark.runs(4)
async def test_postgresql_killed(
    mortal_site: Site, own_postgres: EmbeddedPostgres, scale: Scale, dice: random.Random, record: Record
) -> None:
    site = mortal_site
    await site.start()
    async with speaking(site.devices, site.broker_port, site.clock):
        for _ in range(scale.kills):
            await site.work_goes_on()
            await site.clock.sleep(dice.uniform(0, 0.5))
            await asyncio.to_thread(kill_whole_server, own_postgres)
            await site.clock.sleep(dice.uniform(0, 1.0))
            own_postgres.start()
    record(await site.healed(), scale.kills, kinds=("database kills",))


@pytest.mark.long_only
async def test_gateway_and_postgresql_killed_together(
    mortal_site: Site, own_postgres: EmbeddedPostgres, scale: Scale, dice: random.Random, record: Record
) -> None:
    site = mortal_site
    await site.start()
    async with speaking(site.devices, site.broker_port, site.clock):
        for _ in range(scale.rounds):
            await site.work_goes_on()
            await site.clock.sleep(dice.uniform(0, 0.5))
            await asyncio.to_thread(kill_whole_server, own_postgres)
            site.gateway.kill()
            own_postgres.start()
            site.gateway.start()
    record(await site.healed(), scale.rounds, kinds=("gateway kills", "database kills"))


async def test_one_backend_killed(site: Site, scale: Scale, dice: random.Random, record: Record) -> None:
    """An administrator ends the gateway's sessions in the middle of their work."""
    await site.start()
    async with speaking(site.devices, site.broker_port, site.clock):
        for _ in range(scale.rounds):
            await site.work_goes_on()
            await site.clock.sleep(dice.uniform(0, 0.3))
            await site.end_gateway_sessions()
    record(await site.healed(), scale.rounds)


async def test_gateway_killed_on_the_embedded_broker(
    make_site: MakeSite, database_url: str, broker: EmbeddedBroker, dice: random.Random, record: Record
) -> None:
    """The embedded broker keeps a session as long as it lives itself."""
    site = await make_site(database_url, broker.port, mqtt_port=broker.port_v5)
    await site.start()
    async with speaking(site.devices, site.broker_port, site.clock):
        for _ in range(2):
            await site.work_goes_on()
            await site.clock.sleep(dice.uniform(0, 0.3))
            site.gateway.kill()
            site.gateway.start()
    record(await site.healed(), 2, kinds=("gateway kills",))
