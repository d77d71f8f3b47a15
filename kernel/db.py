"""PostgreSQL as the services see it: one transaction per edge, with one `now` in it.

Edges (HTTP, device batches, loops) open `Database.transaction()`; verbs take the `Tx` and never commit. A named
constraint that refuses a statement becomes a problem through `Tx.guard`; `kernel.db_errors` tells what any other
error means. These two, `kernel.jobs` and `kernel.migrate` are the only ones that import asyncpg.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from typing import Any

import asyncpg
import orjson

from kernel.clock import Clock
from kernel.problems import Problem

Row = asyncpg.Record
"""A result row: by name (`row["id"]`) or position."""

CONNECT_TIMEOUT_S = 10.0
"""A database that does not answer a connect in this time is away: the caller tells so instead of hanging."""
COMMAND_TIMEOUT_S = 30.0
"""No statement of ours is meant to take seconds; what takes this long is stuck and must free its connection."""
LISTEN_CHECK_S = 15.0
"""A silent connection is asked this often whether it is still one: a notification lost with it is never told."""
NOTICES_MAX = 10_000
"""Not yet taken; whoever is that far behind reads everything anyway."""


class DatabaseAway(Problem):
    """The database is away"""

    status = 503
    slug = "database-away"


class Tx:
    """One open transaction: its connection and the one `now` that everything in it agrees on."""

    __slots__ = ("_committed", "_connection", "_savepoints", "now")

    def __init__(self, connection: Any, now: datetime) -> None:
        self._connection = connection
        self._committed = False
        self._savepoints = 0
        self.now = now

    async def execute(self, statement: str, *arguments: Any) -> int:
        """Run `statement`; the number of rows it touched."""
        status: str = await self._connection.execute(statement, *arguments)
        count = status.rsplit(" ", 1)[-1]
        return int(count) if count.isdigit() else 0

    async def executemany(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        await self._connection.executemany(statement, rows)

    async def fetch(self, statement: str, *arguments: Any) -> list[Row]:
        rows: list[Row] = await self._connection.fetch(statement, *arguments)
        return rows

    async def fetchrow(self, statement: str, *arguments: Any) -> Row | None:
        row: Row | None = await self._connection.fetchrow(statement, *arguments)
        return row

    async def fetchval(self, statement: str, *arguments: Any) -> Any:
        return await self._connection.fetchval(statement, *arguments)

    async def rows(self, statement: str, *arguments: Any, prefetch: int = 2_000) -> AsyncIterator[Row]:
        """Stream a large result without holding it in memory; `prefetch` rows a round trip."""
        async for row in self._connection.cursor(statement, *arguments, prefetch=prefetch):
            yield row

    async def copy_records(
        self, table: str, *, schema: str, columns: Sequence[str], records: Iterable[Sequence[Any]]
    ) -> None:
        """Bulk insert by COPY; a refused row refuses them all."""
        await self._connection.copy_records_to_table(table, schema_name=schema, columns=columns, records=records)

    @contextmanager
    def guard(self, refusals: Mapping[str, type[Problem]], **members: Any) -> Iterator[None]:
        """Turn a violation of a named constraint into its problem, carrying `members`.

        The transaction is spoiled by the violation: let the problem leave the edge, which rolls back. A violation
        of a constraint that is not named here is a defect of ours and passes through.
        """
        try:
            yield
        except asyncpg.IntegrityConstraintViolationError as violation:
            problem = refusals.get(violation.constraint_name or "")
            if problem is None:
                raise
            raise problem(**members) from violation

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """A nested part that can fail and be undone without spoiling the whole transaction."""
        self._savepoints += 1
        name = f"part_{self._savepoints}"
        await self._connection.execute(f"SAVEPOINT {name}")
        try:
            yield
        except BaseException:
            if not self._connection.is_closed():
                await self._connection.execute(f"ROLLBACK TO SAVEPOINT {name}")
            raise
        await self._connection.execute(f"RELEASE SAVEPOINT {name}")

    async def commit_with(self, statement: str) -> None:
        """Run `statement`, which has no parameters (`kernel.sql_text`), and commit, in one round trip: the last thing
        that is done in a transaction of `Database.transaction_asking`. Nothing is committed when it fails.
        """
        await self._connection.execute(f"{statement}; COMMIT")
        self._committed = True


JSONB_VERSION = b"\x01"
"""The first byte of a jsonb value in PostgreSQL's binary format, which COPY needs."""


async def _prepare(connection: Any) -> None:
    await connection.set_type_codec(
        "jsonb",
        encoder=lambda value: JSONB_VERSION + orjson.dumps(value),
        decoder=lambda data: orjson.loads(data[1:]),
        schema="pg_catalog",
        format="binary",
    )


class _Session(asyncpg.Connection):
    """Goes back to the pool as it is: everything of ours ends with its transaction (locks, `SET LOCAL`, cursors), and
    LISTEN has a connection apart. Nothing to reset is one round trip the less for every transaction.
    """

    def get_reset_query(self) -> str:
        return ""


class Database:
    """A pool of connections and the clock that stamps its transactions."""

    def __init__(self, url: str, clock: Clock, *, connections_max: int = 8, name: str = "berth") -> None:
        self.url = url
        self.clock = clock
        self._connections_max = connections_max
        self._name = name
        self._pool: asyncpg.Pool | None = None

    def apart(self, *, connections_max: int) -> "Database":
        """The same database over connections of its own, under the same name: for what must not wait for others'."""
        return Database(self.url, self.clock, connections_max=connections_max, name=self._name)

    @property
    def is_open(self) -> bool:
        return self._pool is not None

    async def open(self) -> None:
        """Make the pool. Raises DatabaseAway when the server cannot be reached."""
        try:
            self._pool = await asyncpg.create_pool(
                self.url,
                min_size=1,
                max_size=self._connections_max,
                timeout=CONNECT_TIMEOUT_S,
                command_timeout=COMMAND_TIMEOUT_S,
                init=_prepare,
                connection_class=_Session,
                server_settings={"application_name": self._name, "timezone": "UTC", "jit": "off"},
            )
        except (OSError, TimeoutError, asyncpg.PostgresError) as error:
            raise DatabaseAway(f"no connection to the database: {error}") from error

    async def close(self) -> None:
        """Cut every connection: whatever is not committed now was not acknowledged to anybody."""
        if self._pool is None:
            return
        pool, self._pool = self._pool, None
        pool.terminate()

    @asynccontextmanager
    async def transaction(self, *, readonly: bool = False) -> AsyncIterator[Tx]:
        """One transaction at an edge: committed when the block ends, rolled back when it raises.

        Raises DatabaseAway when no connection can be had.
        """
        async with self._connection(readonly=readonly) as connection, connection.transaction(readonly=readonly):
            yield Tx(connection, self.clock.now())

    @asynccontextmanager
    async def transaction_asking(self, question: str) -> AsyncIterator[tuple[Tx, bool]]:
        """The same, and whether `question`, a SELECT without parameters, found a row: it travels with the BEGIN."""
        async with self._connection() as connection:
            told = await connection.execute(f"BEGIN; {question}")
            tx = Tx(connection, self.clock.now())
            try:
                yield tx, not told.endswith(" 0")
                if not tx._committed:
                    await connection.execute("COMMIT")
            except BaseException:
                if not connection.is_closed():
                    await connection.execute("ROLLBACK")
                raise

    @asynccontextmanager
    async def _connection(self, *, readonly: bool = False) -> AsyncIterator[Any]:
        if self._pool is None:
            raise DatabaseAway("the database is not open")
        try:
            connection = await self._pool.acquire(timeout=CONNECT_TIMEOUT_S)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise DatabaseAway(f"no connection to the database: {error}") from error
        try:
            yield connection
        except asyncpg.ReadOnlySQLTransactionError:
            if not readonly:
                connection.terminate()  # it was made to a standby or under a failover, and may stay read-only for life
            raise
        finally:
            await self._release(connection)

    async def listen(self, *channels: str) -> AsyncIterator[tuple[str, str]]:
        """(channel, payload) of what others notify, on a connection of its own; ("", "") once it is heard.

        Ends by raising DatabaseAway when the connection is lost: what was told meanwhile is not told again.
        """
        heard: asyncio.Queue[tuple[str, str] | None] = asyncio.Queue(NOTICES_MAX)

        def hear(_connection: object, _pid: int, channel: str, payload: object) -> None:
            if not heard.full():
                heard.put_nowait((channel, str(payload)))

        try:
            connection = await asyncpg.connect(self.url, timeout=CONNECT_TIMEOUT_S, command_timeout=COMMAND_TIMEOUT_S)
        except (OSError, TimeoutError, asyncpg.PostgresError) as error:
            raise DatabaseAway(f"no connection to listen on: {error}") from error
        try:
            connection.add_termination_listener(lambda _connection: None if heard.full() else heard.put_nowait(None))
            for channel in channels:
                await connection.add_listener(channel, hear)
            yield "", ""
            while True:
                try:
                    async with asyncio.timeout(LISTEN_CHECK_S):
                        word = await heard.get()
                except TimeoutError:
                    await connection.fetchval("SELECT 1")
                    continue
                if word is None or connection.is_closed():
                    raise DatabaseAway("the connection that listened is gone")
                yield word
        finally:
            connection.terminate()

    async def _release(self, connection: Any) -> None:
        if self._pool is None:
            return
        try:
            await self._pool.release(connection, timeout=CONNECT_TIMEOUT_S)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            connection.terminate()
