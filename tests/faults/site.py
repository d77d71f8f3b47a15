"""One gateway process with its broker, its database and its devices: what a fault is done to."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import asyncpg

from app.bench.gateway_process import GatewayProcess
from app.bench.publisher import Publisher
from app.processes import LOOPBACK
from kernel.clock import SystemClock
from tests.faults.devices import Devices
from tests.faults.oracle import Verdict, judge
from tests.faults.patience import until

_POLL_S = 0.05
_PROBE = b"are you there?"
"""Refused, so that it is in the books and in no history, whatever else is said."""


@dataclass
class Site:
    """`database_url` is the way round every proxy: the oracle's own eyes."""

    clock: SystemClock
    database_url: str
    broker_port: int
    gateway: GatewayProcess
    devices: Devices

    async def received(self) -> int:
        """Events in the gateway's books; -1 while the database cannot be asked."""
        return await self._booked("received")

    async def _booked(self, column: str) -> int:
        try:
            connection = await asyncpg.connect(self.database_url, timeout=5)
        except (OSError, asyncpg.PostgresError, TimeoutError):
            return -1
        try:
            return int(await connection.fetchval(f"SELECT COALESCE(sum({column}), 0)::bigint FROM gateway.tally"))
        finally:
            await connection.close()

    async def work_goes_on(self, *, events: int = 1, within_s: float = 60.0) -> None:
        """Return when the gateway has committed `events` more than now. AssertionError when it does not."""
        before = await self._until(self.received, lambda seen: seen >= 0, within_s, "the database does not answer")
        await self._until(
            self.received,
            lambda seen: seen >= before + events,
            within_s,
            f"the books stand still at {before} events",
        )

    async def healed(self, *, within_s: float = 90.0) -> Verdict:
        """The verdict once the gateway has come to rest: at the latest after `within_s`, clean or not.

        Before the last look the gateway must answer once more and is stopped, so that what it does meanwhile counts.
        """
        deadline = self.clock.monotonic() + within_s
        while self.clock.monotonic() < deadline:
            all_there = await self.received() >= self.devices.ledger.events  # cheap to ask, unlike the verdict
            if all_there and (await judge(self.database_url, self.devices.ledger)).clean:
                break
            await self.clock.sleep(4 * _POLL_S)
        await self.answers()
        code = await asyncio.to_thread(self.gateway.stop)
        verdict = await judge(self.database_url, self.devices.ledger)
        assert verdict.clean, f"{verdict}\n{self.gateway.last_words()}"
        assert code == 0, f"the gateway ended with {code}: {self.gateway.last_words()}"
        return verdict

    async def until(self, seen: Callable[[], bool], complaint: str, *, within_s: float = 30.0) -> None:
        """Return when `seen`. AssertionError with `complaint` when it is not in time."""

        async def ask() -> bool:
            return seen()

        await self._until(ask, bool, within_s, complaint)

    async def until_true(self, ask: Callable[[], Awaitable[Any]], complaint: str, *, within_s: float = 30.0) -> None:
        """The same for a question that takes its time."""
        await self._until(ask, bool, within_s, complaint)

    async def until_received(self, events: int, *, within_s: float = 30.0) -> None:
        """Return when the books hold `events`."""
        await self._until(self.received, lambda seen: seen >= events, within_s, f"fewer than {events} events")

    async def start(self, *, within_s: float = 30.0) -> None:
        """Start the gateway and return when it has a session: before that a broker keeps a message for nobody."""
        self.gateway.start()
        await self.answers(within_s=within_s)

    async def answers(self, *, within_s: float = 30.0) -> None:
        """Return when the gateway has put a message of ours into its books."""
        topic = self.devices.topic()
        self.devices.ledger.expect_refusal(topic, _PROBE, "malformed_json")

        async def booked() -> bool:
            assert self.gateway.is_running(), self.gateway.last_words()
            before = await self._booked("dead")
            async with Publisher(LOOPBACK, self.broker_port, "probe", self.clock) as publisher:
                await publisher.publish(topic, _PROBE)
                await publisher.acknowledged()
            for _ in range(10):
                if await self._booked("dead") > before >= 0:
                    return True
                await self.clock.sleep(_POLL_S)
            return False

        await self._until(booked, bool, within_s, "the gateway does not listen")

    async def end_gateway_sessions(self) -> None:
        """pg_terminate_backend for every session on our database but the one that asks."""
        connection = await asyncpg.connect(self.database_url)
        try:
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        finally:
            await connection.close()

    async def _until(self, ask: Callable[[], Any], good: Callable[[Any], bool], within_s: float, complaint: str) -> Any:
        def complain() -> str:
            return f"{complaint}: {self.gateway.last_words()}"

        return await until(ask, self.clock, complain, good=good, within_s=within_s)
