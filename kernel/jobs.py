"""Work that may wait: a row in the transaction of its cause, handled later, at least once (PgQueuer).

`enqueue` writes the row; a transaction that is rolled back takes it along. `JobRunner` handles the rows of the jobs it
knows, in any number of processes at once. A handler that raises is asked again, `ATTEMPTS_MAX` times in all and later
each time; then its row is kept with the status `failed` for a person to look at. Handlers are idempotent: a process
that dies while it handles a row leaves it to another one.

A job with a `cron` is enqueued by the clock as well, once for all processes, and handled like any other.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Final

import asyncpg
import structlog
from pgqueuer import PgQueuer
from pgqueuer.adapters.drivers.asyncpg import AsyncpgPoolDriver
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment, QueryQueueBuilder, QuerySchedulerBuilder
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.core.executors import DatabaseRetryEntrypointExecutor
from pgqueuer.domain.errors import FailingListenerError
from pgqueuer.domain.settings import DBSettings
from pgqueuer.models import Job as Row
from pgqueuer.models import Schedule

from kernel.clock import Clock
from kernel.db import CONNECT_TIMEOUT_S, Database, Tx
from kernel.db_errors import will_pass
from kernel.service import Job

SCHEMA: Final = "jobs"
ATTEMPTS_MAX: Final = 5
RETRY_AFTER: Final = timedelta(seconds=1)
"""Doubled with every attempt: five attempts take half a minute, which is longer than a restart of what they call."""
HEARTBEAT_TIMEOUT: Final = timedelta(seconds=30)
"""A row whose handler gave no sign of life for this long is handled by somebody else."""
JOBS_AT_ONCE: Final = 10
CONNECTIONS_MAX: Final = 3
"""One listens, two fetch and report; handlers use the connections of their own `Database`."""
POLL_AFTER: Final = timedelta(seconds=1)
"""New rows are announced, those to be tried again are not: they are found by asking."""
STOP_S_MAX: Final = 5.0
"""Running handlers may take this long to end when the process stops; what is cut off is handled again."""
RESTART_AFTER_S: Final = 2.0

log = structlog.get_logger(__name__)


def queue_settings() -> DBSettings:
    """The names of PgQueuer's tables, as `migrations/0005_jobs.sql` made them; its own environment does not matter."""
    return DBSettings(
        prefix="",
        db_schema=SCHEMA,
        channel="ch_pgqueuer",
        function="fn_pgqueuer_changed",
        statistics_table="pgqueuer_statistics",
        queue_status_type="pgqueuer_status",
        queue_table="pgqueuer",
        queue_table_log="pgqueuer_log",
        trigger="tg_pgqueuer_changed",
        schedules_table="pgqueuer_schedules",
    )


_ENQUEUE: Final = QueryQueueBuilder(settings=queue_settings()).build_enqueue_query("skip")


async def enqueue(
    tx: Tx, name: str, payload: bytes = b"", *, once: str | None = None, after: timedelta = timedelta(0)
) -> None:
    """Have the job `name` handle `payload` once `tx` is committed and `after` has passed.

    With `once`, nothing is enqueued while a job under the same key waits or runs.
    """
    await tx.fetch(_ENQUEUE, [0], [name], [payload], [after], [once], [None])


async def enqueue_each(tx: Tx, name: str, payloads: Sequence[str]) -> None:
    """The same for many, at once: each is once waiting, by its payload."""
    number = len(payloads)
    if number:
        asked = [payload.encode() for payload in payloads], [timedelta(0)] * number
        once = [f"{name} {payload}" for payload in payloads]
        await tx.fetch(_ENQUEUE, [0] * number, [name] * number, *asked, once, [None] * number)


class JobRunner:
    """Handles the rows of `jobs` until cancelled; comes back when the database was away."""

    def __init__(self, database: Database, jobs: Sequence[Job]) -> None:
        self._database = database
        self._clock: Clock = database.clock
        self._jobs = jobs

    async def run(self) -> None:
        """Returns only by cancellation; what goes wrong is logged, and the queue is opened again."""
        while True:
            try:
                await self._run()
            except FailingListenerError:
                # Its first probe is sent before it listens, if the machine is slow: nothing was lost, rows are polled.
                log.info("jobs listen again")
            except Exception as error:
                if not will_pass(error):
                    log.exception("jobs stopped", error=repr(error))
                else:
                    log.warning("jobs wait for the database", error=repr(error))
            await self._clock.sleep(RESTART_AFTER_S)

    async def _run(self) -> None:
        async with asyncpg.create_pool(
            self._database.url,
            min_size=1,
            max_size=CONNECTIONS_MAX,
            timeout=CONNECT_TIMEOUT_S,
            server_settings={"application_name": "berth jobs", "timezone": "UTC"},
        ) as pool:
            queue = self._queue(pool)
            running = asyncio.create_task(
                queue.run(
                    dequeue_timeout=POLL_AFTER,
                    batch_size=JOBS_AT_ONCE // 2,
                    max_concurrent_tasks=JOBS_AT_ONCE,
                    shutdown_on_listener_failure=True,
                    heartbeat_timeout=HEARTBEAT_TIMEOUT,
                ),
                name="jobs",
            )
            try:
                await asyncio.shield(running)
            except asyncio.CancelledError:
                queue.shutdown.set()  # it takes no more rows and ends when those in hand are done
                _, late = await asyncio.wait({running}, timeout=STOP_S_MAX)
                if late:
                    running.cancel()
                    await asyncio.wait(late)
                raise

    def _queue(self, pool: asyncpg.Pool) -> PgQueuer:
        settings = queue_settings()
        driver = AsyncpgPoolDriver(pool)
        queries = Queries(
            driver,
            QueryBuilderEnvironment(settings),
            QueryQueueBuilder(settings),
            QuerySchedulerBuilder(settings),
        )
        queue = PgQueuer(driver, settings.channel, queries=queries)
        retrying = partial(DatabaseRetryEntrypointExecutor, max_attempts=ATTEMPTS_MAX - 1, initial_delay=RETRY_AFTER)
        for job in self._jobs:
            queue.entrypoint(job.name, on_failure="hold", executor_factory=retrying)(partial(_handle, job))
            if job.cron is not None:
                queue.schedule(job.name, job.cron)(partial(self._enqueue_by_the_clock, job))
        return queue

    async def _enqueue_by_the_clock(self, job: Job, _schedule: Schedule) -> None:
        async with self._database.transaction() as tx:
            await enqueue(tx, job.name, once=f"cron {job.name}")


async def _handle(job: Job, row: Row) -> None:
    await job.handle(row.payload or b"")
