"""A database that is there and refuses: locks, deadlocks, time-outs, read-only, a schema that changes under way.

None of it is the fault of a message, so none may be refused for it: it is asked again until it goes through.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import asyncpg
import pytest

from kernel.clock import ManualClock
from kernel.db import Database
from occupancy.partitions import keep_partitions
from occupancy.settings import OccupancySettings
from tests.faults.conftest import Record, Scale
from tests.faults.devices import speak, speaking
from tests.faults.site import Site

pytestmark = pytest.mark.timeout(600)

EVERY_CAR_PARK = "SELECT 1 FROM occupancy.car_park_state ORDER BY car_park FOR UPDATE"
ONE_CAR_PARK = "SELECT 1 FROM occupancy.car_park_state WHERE car_park = $1 FOR UPDATE"
MIGRATED = (
    "occupancy.car_park_state",
    "occupancy.space_state",
    "occupancy.space_event",
    "occupancy.count_state",
    "gateway.tally",
    "registry.space",
    "registry.car_park",
    "registry.operator",
)
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


@pytest.fixture
async def administrator(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@asynccontextmanager
async def holding(administrator: asyncpg.Connection, *statements: str) -> AsyncIterator[None]:
    """A transaction that holds what `statements` locked as long as the block lasts."""
    async with administrator.transaction():
        for statement in statements:
            await administrator.execute(statement)
        yield


async def set_for_all(site: Site, administrator: asyncpg.Connection, setting: str, value: str) -> None:
    """For every session that begins from now on; those there are end."""
    name = await administrator.fetchval("SELECT current_database()")
    await administrator.execute("SET default_transaction_read_only = off")
    await administrator.execute(f'ALTER DATABASE "{name}" SET {setting} = {value}')
    await administrator.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )


@pytest.mark.parametrize("setting", ["lock_timeout", pytest.param("statement_timeout", marks=pytest.mark.long_only)])
async def test_time_outs_of_the_database(
    site: Site, administrator: asyncpg.Connection, scale: Scale, record: Record, setting: str
) -> None:
    """An administrator's time-outs are shorter than somebody's lock; a message alone in its batch is not to blame."""
    await site.start()
    await set_for_all(site, administrator, setting, "'200ms'")
    async with speaking(site.devices, site.broker_port, site.clock, messages_s=60):
        for _ in range(scale.turns):
            await site.work_goes_on(events=20)
            async with holding(administrator, EVERY_CAR_PARK):
                await site.clock.sleep(1.5)
    async with holding(administrator, EVERY_CAR_PARK):
        await speak(site.devices, site.broker_port, site.clock, messages=1, client_id="lone")
        await site.clock.sleep(1.0)
    await set_for_all(site, administrator, setting, "DEFAULT")
    record(await site.healed(), scale.turns + 1)


async def test_deadlocks(site: Site, administrator: asyncpg.Connection, scale: Scale, record: Record) -> None:
    """Somebody locks car parks in another order than the gateway does, and it is the gateway who has to give way."""
    await site.start()
    await administrator.execute("SET deadlock_timeout = '1min'")
    before = await administrator.fetchval(DEADLOCKS)
    done = 0
    async with speaking(site.devices, site.broker_port, site.clock):
        await site.work_goes_on(events=500)
        while done < scale.turns:
            async with administrator.transaction():
                await administrator.execute(ONE_CAR_PARK, "fault-5")
                await site.clock.sleep(0.1)
                await administrator.execute(ONE_CAR_PARK, "fault-0")
            done = await administrator.fetchval(DEADLOCKS) - before
            await site.work_goes_on()
    record(await site.healed(), scale.turns)


async def test_read_only_after_a_failover(
    site: Site, administrator: asyncpg.Connection, scale: Scale, record: Record
) -> None:
    """Sessions that began on the wrong side must not be kept: they stay read-only for as long as they live."""
    await site.start()
    async with speaking(site.devices, site.broker_port, site.clock):
        for _ in range(scale.turns):
            await site.work_goes_on()
            await set_for_all(site, administrator, "default_transaction_read_only", "on")
            await site.clock.sleep(1.5)
            name = await administrator.fetchval("SELECT current_database()")
            await administrator.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only')
            await site.work_goes_on(within_s=20.0)
    record(await site.healed(), scale.turns)


async def test_migration_during_ingest(
    site: Site, administrator: asyncpg.Connection, scale: Scale, record: Record
) -> None:
    """A lock on every table, held for a while, and afterwards columns that no prepared statement has ever seen."""
    await site.start()
    async with speaking(site.devices, site.broker_port, site.clock):
        for turn in range(scale.turns):
            await site.work_goes_on()
            # One after the other, as a migration takes them: whoever it meets half-way is the victim of a deadlock.
            for table in MIGRATED:
                async with holding(administrator, f"ALTER TABLE {table} ADD COLUMN later_{turn} text"):
                    await site.clock.sleep(0.2)
    for table in MIGRATED:
        await administrator.execute(f"ALTER TABLE {table} ADD COLUMN lone text")
        await speak(site.devices, site.broker_port, site.clock, messages=1, client_id="lone")
        await site.until_received(site.devices.ledger.events)
    record(await site.healed(), scale.turns + 1)


async def test_a_schema_that_does_not_fit(
    site: Site, administrator: asyncpg.Connection, scale: Scale, record: Record
) -> None:
    """A gateway that should have been restarted meets a column that is gone: the messages wait for who knows better."""
    await site.start()
    async with speaking(site.devices, site.broker_port, site.clock, messages_s=100):
        for _ in range(scale.turns):
            await site.work_goes_on()
            await administrator.execute("ALTER TABLE occupancy.space_state RENAME COLUMN seq TO number")
            await site.clock.sleep(2.0)
            await administrator.execute("ALTER TABLE occupancy.space_state RENAME COLUMN number TO seq")
    record(await site.healed(), scale.turns)


async def test_midnight_without_a_partition_and_its_making_during_ingest(
    site: Site, database_url: str, record: Record
) -> None:
    """Nobody has made the days' partitions: rows go to the default one, and move when a worker comes at last."""
    await site.start()
    async with speaking(site.devices, site.broker_port, site.clock):
        await site.work_goes_on(events=500)
        for days in (10, 0):  # the worker was last there ten days ago, so that not even today is prepared
            worker = Database(database_url, ManualClock(site.clock.now() - timedelta(days=days)))
            await worker.open()
            await keep_partitions(worker, OccupancySettings())
            await worker.close()
            await site.work_goes_on()
    connection = await asyncpg.connect(database_url)
    try:
        left = await connection.fetchval("SELECT count(*) FROM occupancy.space_event_default")
    finally:
        await connection.close()
    record(await site.healed(), 2, f"{left} rows left in the default partition")
    assert left == 0
