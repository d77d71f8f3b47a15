"""The fixtures every other test stands on."""

from datetime import timedelta

from kernel.clock import ManualClock
from kernel.db import Database


async def test_database_is_migrated_and_stamped_by_the_clock(database: Database, clock: ManualClock) -> None:
    started = clock.now()
    clock.advance(60)
    async with database.transaction() as tx:
        assert tx.now == started + timedelta(seconds=60)
        assert await tx.fetchval("SELECT count(*) FROM kernel.migration") > 0
        await tx.execute("CREATE TABLE only_here (n int)")


async def test_no_test_sees_the_tables_of_another(database: Database) -> None:
    async with database.transaction() as tx:
        assert await tx.fetchval("SELECT to_regclass('only_here')") is None
