"""The schema is the one the code was written for, or nothing is served."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from kernel.db import Database
from kernel.migrate import Migration, SchemaMismatch, check_schema, migrate, migrations_of

FIRST = Migration(1, "first", "CREATE TABLE public.first (id integer);")
SECOND = Migration(2, "second", "CREATE TABLE public.second (id integer);")


@pytest.fixture
async def empty_url(database: Database) -> AsyncIterator[str]:
    """A database of its own without any schema, beside the test's one."""
    base, _, query = database.url.partition("?")
    name = "empty_" + base.rsplit("/", 1)[1]
    connection = await asyncpg.connect(database.url)
    await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
    yield base.rsplit("/", 1)[0] + "/" + name + ("?" + query if query else "")
    await connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    await connection.close()


async def test_several_processes_may_migrate_at_once_and_each_file_runs_once(empty_url: str) -> None:
    applied = await asyncio.gather(*(migrate(empty_url, [FIRST, SECOND]) for _ in range(4)))
    assert sorted(migration.number for batch in applied for migration in batch) == [1, 2]
    await check_schema(empty_url, [FIRST, SECOND])


async def test_a_database_without_or_behind_the_schema_is_not_served(empty_url: str) -> None:
    with pytest.raises(SchemaMismatch, match="no schema yet"):
        await check_schema(empty_url, [FIRST])
    await migrate(empty_url, [FIRST])
    with pytest.raises(SchemaMismatch, match="lacks 0002_second"):
        await check_schema(empty_url, [FIRST, SECOND])


async def test_a_newer_database_and_a_changed_file_are_refused(empty_url: str) -> None:
    await migrate(empty_url, [FIRST, SECOND])
    with pytest.raises(SchemaMismatch, match="does not know"):
        await migrate(empty_url, [FIRST])
    with pytest.raises(SchemaMismatch, match="was changed after"):
        await check_schema(empty_url, [FIRST, Migration(2, "second", "SELECT 1;")])


async def test_a_failing_migration_leaves_nothing_behind(empty_url: str) -> None:
    broken = Migration(2, "broken", "CREATE TABLE public.half (id integer); SELECT nonsense;")
    with pytest.raises(asyncpg.PostgresError):
        await migrate(empty_url, [FIRST, broken])
    await check_schema(empty_url, [FIRST])
    connection = await asyncpg.connect(empty_url)
    assert await connection.fetchval("SELECT to_regclass('public.half')") is None
    await connection.close()


async def test_a_number_that_was_left_out_may_still_come(empty_url: str) -> None:
    third = Migration(3, "third", "CREATE TABLE public.third (id integer);")
    assert await migrate(empty_url, [FIRST, third]) == [FIRST, third]
    assert await migrate(empty_url, [FIRST, SECOND, third]) == [SECOND]
    await check_schema(empty_url, [FIRST, SECOND, third])


@pytest.mark.parametrize("names", [["0001_a.sql", "0001_b.sql"], ["1_a.sql"], ["0001_A.sql"]])
def test_files_that_cannot_be_put_in_order_are_refused(
    names: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / f"badly_numbered_{names[0][:6].lower().replace('.', '_')}_{len(names)}"
    package.mkdir()
    for name in ["__init__.py", *names]:
        (package / name).write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ValueError, match=r"number|NNNN"):
        migrations_of(package.name)


def test_the_product_s_own_files_begin_with_the_first() -> None:
    assert migrations_of()[0].number == 1
