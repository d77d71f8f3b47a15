"""A city of `berth up`, days later: its roles on the data that it left, with the clock put forward. Nothing waits."""

import contextlib
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

from app.compose import ROLES
from app.data_dir import DataDir
from app.embedded import EmbeddedBroker, EmbeddedPostgres
from app.loops import LoopMetrics
from app.processes import LOOPBACK, free_port
from app.settings import BerthSettings
from app.tools import Tools
from kernel.clock import SystemClock
from kernel.db import Database
from kernel.jobs import enqueue
from kernel.metrics import process_registry


class LaterClock(SystemClock):
    """The machine's clock, put forward; it goes on at its own pace."""

    def __init__(self, by: timedelta) -> None:
        self._ahead = by

    def now(self) -> datetime:
        return super().now() + self._ahead

    def put_forward(self, by: timedelta) -> None:
        """From now on it is so much later."""
        self._ahead += by


class LaterCity:
    """Api and worker in this process: no device speaks any more. `http` is where the API answers."""

    def __init__(self, http: str, clock: LaterClock, database: Database) -> None:
        self.http, self.clock, self._database = http, clock, database

    async def have_done(self, job: str) -> None:
        """The worker is asked to do now what its own clock would have it do within the hour."""
        async with self._database.transaction() as tx:
            await enqueue(tx, job, b"")


@contextlib.asynccontextmanager
async def later(data_dir: Path, by: timedelta) -> AsyncIterator[LaterCity]:
    """The city of `data_dir`, whose `berth up` has ended, `by` later."""
    clock, port = LaterClock(by), free_port()
    with EmbeddedPostgres(DataDir(data_dir).path) as server, EmbeddedBroker() as broker:
        settings = BerthSettings(
            database_url=server.url(),
            mqtt_url=broker.url,
            mqtt_v5_url=broker.url_v5,
            http_host=LOOPBACK,
            http_port=port,
            data_dir=data_dir,
        )
        async with contextlib.AsyncExitStack() as stack:
            database = Database(server.url(), clock)
            await database.open()
            stack.push_async_callback(database.close)
            for role in ("api", "worker"):
                registry = process_registry()
                tools = Tools(settings, clock, database, registry, LoopMetrics(registry))
                await stack.enter_async_context(ROLES[role](tools))
            yield LaterCity(f"http://{LOOPBACK}:{port}", clock, database)
