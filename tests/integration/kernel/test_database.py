"""One transaction, one now; a named constraint becomes a problem; what is away is told from what is wrong."""

from datetime import UTC, datetime

import asyncpg
import pytest

from kernel.clock import ManualClock
from kernel.db import Database, DatabaseAway
from kernel.db_errors import is_away, is_data_error, is_victim, will_pass
from kernel.problems import Problem


class NumberTaken(Problem):
    """The number is taken"""

    status = 409
    slug = "number-taken"


async def _table(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.execute(
            "CREATE TABLE public.numbered (number integer CONSTRAINT numbered_key PRIMARY KEY, body jsonb)"
        )


async def test_everything_in_a_transaction_shares_one_now_and_is_undone_together(database: Database) -> None:
    await _table(database)
    with pytest.raises(RuntimeError, match="changed my mind"):
        async with database.transaction() as tx:
            assert tx.now == database.clock.now()
            assert await tx.execute("INSERT INTO public.numbered VALUES (1, $1)", {"plate": "辽A12345"}) == 1
            raise RuntimeError("changed my mind")
    async with database.transaction(readonly=True) as tx:
        assert await tx.fetchval("SELECT count(*) FROM public.numbered") == 0


async def test_a_named_constraint_becomes_its_problem_and_any_other_passes_through(database: Database) -> None:
    await _table(database)
    async with database.transaction() as tx:
        await tx.execute("INSERT INTO public.numbered VALUES (1, NULL)")
    with pytest.raises(NumberTaken) as caught:
        async with database.transaction() as tx:
            with tx.guard({"numbered_key": NumberTaken}, number=1):
                await tx.execute("INSERT INTO public.numbered VALUES (1, NULL)")
    assert caught.value.members == {"number": 1}
    with pytest.raises(asyncpg.UniqueViolationError) as violation:
        async with database.transaction() as tx:
            with tx.guard({"other_key": NumberTaken}):
                await tx.execute("INSERT INTO public.numbered VALUES (1, NULL)")
    assert is_data_error(violation.value)
    assert not is_away(violation.value)


async def test_a_savepoint_fails_alone(database: Database) -> None:
    await _table(database)
    async with database.transaction() as tx:
        await tx.execute("INSERT INTO public.numbered VALUES (1, NULL)")
        with pytest.raises(asyncpg.UniqueViolationError):
            async with tx.savepoint():
                await tx.execute("INSERT INTO public.numbered VALUES (1, NULL)")
        await tx.copy_records("numbered", schema="public", columns=("number", "body"), records=[(2, None), (3, [1])])
        assert [row["number"] async for row in tx.rows("SELECT number FROM public.numbered ORDER BY 1")] == [1, 2, 3]


@pytest.mark.parametrize("why", ["deadlock_detected", "serialization_failure"])
async def test_a_transaction_undone_for_another_finds_nothing_away(database: Database, why: str) -> None:
    with pytest.raises(asyncpg.PostgresError) as undone:
        async with database.transaction() as tx:
            await tx.execute(f"DO $$ BEGIN RAISE {why}; END $$")
    assert is_victim(undone.value)
    assert will_pass(undone.value)
    assert not is_away(undone.value)
    assert not is_data_error(undone.value)


async def test_a_cut_connection_says_away_and_the_pool_heals(database: Database) -> None:
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)) as cut:
        async with database.transaction() as tx:
            await tx.fetchval("SELECT pg_terminate_backend(pg_backend_pid())")
    assert is_away(cut.value)
    assert not is_data_error(cut.value)
    async with database.transaction() as tx:
        assert await tx.fetchval("SELECT 1") == 1


async def test_a_database_that_cannot_be_reached_is_a_problem_not_a_hang() -> None:
    nowhere = Database("postgresql://berth@127.0.0.1:1/berth", ManualClock(datetime(2026, 11, 23, tzinfo=UTC)))
    with pytest.raises(DatabaseAway):
        await nowhere.open()
    with pytest.raises(DatabaseAway):
        async with nowhere.transaction():
            pass
