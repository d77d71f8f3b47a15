"""Jobs on a real database: in the transaction of their cause, at least once, not for ever, by the clock."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager

import pytest
from pgqueuer.adapters.persistence.schema_ddl import render_install

from kernel.clock import SystemClock
from kernel.db import Database
from kernel.jobs import ATTEMPTS_MAX, JobRunner, enqueue, queue_settings
from kernel.migrate import migrations_of
from kernel.service import Job
from tests.conftest import Eventually

Running = Callable[[Sequence[Job]], AbstractAsyncContextManager[None]]


class Handled:
    """A handler that remembers, and fails as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        self.payloads: list[bytes] = []
        self._failures = failures

    async def handle(self, payload: bytes) -> None:
        self.payloads.append(payload)
        if len(self.payloads) <= self._failures:
            raise ValueError("not yet")


@pytest.fixture
async def live(database_url: str) -> AsyncIterator[Database]:
    """A database on the machine's clock: jobs wait for announcements and by the database's own time."""
    opened = Database(database_url, SystemClock())
    await opened.open()
    yield opened
    await opened.close()


@pytest.fixture
def running(live: Database) -> Running:
    """`async with running([job]):` has a runner handle them meanwhile."""

    @contextlib.asynccontextmanager
    async def run(jobs: Sequence[Job]) -> AsyncIterator[None]:
        task = asyncio.create_task(JobRunner(live, jobs).run())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    return run


async def test_what_is_committed_is_handled(live: Database, running: Running, eventually: Eventually) -> None:
    done = Handled()
    async with live.transaction() as tx:
        await enqueue(tx, "greet", b"before")
    async with running([Job("greet", done.handle)]):
        async with live.transaction() as tx:
            await enqueue(tx, "greet", b"while")
        await eventually(lambda: sorted(done.payloads) == [b"before", b"while"])


async def test_what_is_rolled_back_never_runs(live: Database, running: Running, eventually: Eventually) -> None:
    done = Handled()
    async with running([Job("greet", done.handle)]):
        with pytest.raises(ZeroDivisionError):
            async with live.transaction() as tx:
                await enqueue(tx, "greet", b"never")
                raise ZeroDivisionError
        async with live.transaction() as tx:
            await enqueue(tx, "greet", b"after")
        await eventually(lambda: done.payloads)
    assert done.payloads == [b"after"]
    async with live.transaction() as tx:
        assert await tx.fetchval("SELECT count(*) FROM jobs.pgqueuer") == 0


async def test_a_failing_job_is_tried_again(live: Database, running: Running, eventually: Eventually) -> None:
    done = Handled(failures=1)
    async with running([Job("greet", done.handle)]):
        async with live.transaction() as tx:
            await enqueue(tx, "greet", b"x")
        await eventually(lambda: len(done.payloads) == 2)
        await eventually(lambda: _waiting(live, "queued", 0))


async def test_and_kept_for_a_person_when_it_goes_on_failing(
    live: Database, running: Running, eventually: Eventually
) -> None:
    done = Handled(failures=100)

    async def given_up() -> bool:
        async with live.transaction() as tx:  # spares the test the growing pauses
            await tx.execute(
                "UPDATE jobs.pgqueuer SET execute_after = now() WHERE status = 'queued' AND execute_after > now()"
            )
        return await _waiting(live, "failed", 1)

    async with running([Job("greet", done.handle)]):
        async with live.transaction() as tx:
            await enqueue(tx, "greet", b"x")
        await eventually(given_up)
    assert len(done.payloads) == ATTEMPTS_MAX


async def test_once_is_once_while_it_waits(live: Database) -> None:
    async with live.transaction() as tx:
        await enqueue(tx, "greet", once="ann")
        await enqueue(tx, "greet", once="ann")
        await enqueue(tx, "greet", once="bob")
        assert await tx.fetchval("SELECT count(*) FROM jobs.pgqueuer") == 2


async def test_the_clock_enqueues_too(live: Database, running: Running, eventually: Eventually) -> None:
    done = Handled()
    async with live.transaction() as tx:  # a minute ago it was due, and nobody was there
        await tx.execute(
            "INSERT INTO jobs.pgqueuer_schedules (expression, entrypoint, next_run)"
            " VALUES ('0 4 * * *', 'tidy', now() - interval '1 minute')"
        )
    async with running([Job("tidy", done.handle, cron="0 4 * * *")]):
        await eventually(lambda: done.payloads == [b""])
    async with live.transaction() as tx:
        assert await tx.fetchval("SELECT next_run > now() FROM jobs.pgqueuer_schedules")


def test_the_migration_is_what_this_version_installs() -> None:
    ours = next(migration.sql for migration in migrations_of() if migration.name == "jobs")
    assert ours.split("\n", 1)[1].rstrip() == render_install(queue_settings()).rstrip()


async def _waiting(database: Database, status: str, number: int) -> bool:
    async with database.transaction() as tx:
        found = await tx.fetchval("SELECT count(*) FROM jobs.pgqueuer WHERE status::text = $1", status)
    return bool(found == number)


async def test_the_runner_comes_back_after_its_connections_were_cut(
    live: Database, running: Running, eventually: Eventually
) -> None:
    done = Handled()
    async with running([Job("greet", done.handle)]):
        async with live.transaction() as tx:
            await enqueue(tx, "greet", b"before")
        await eventually(lambda: done.payloads)
        async with live.transaction() as tx:
            cut = await tx.fetch(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name = 'berth jobs' AND datname = current_database()"
            )
            await enqueue(tx, "greet", b"after")
        assert cut
        await eventually(lambda: b"after" in done.payloads, within_s=30)
