"""Several gateway processes that share one broker, one database and four operators: what a take-over is tried on."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import asyncpg

from app.bench.gateway_process import GatewayProcess
from gateway.partition import client_id_of, slot_of
from kernel.clock import SystemClock
from tests.faults.devices import CAR_PARKS, Devices, operator_of
from tests.faults.oracle import Verdict, judge
from tests.faults.patience import until

SLOTS = 2
_JUDGE_AGAIN_S = 0.2


def _operators() -> tuple[str, ...]:
    """Two for each slot, in turns."""
    names = [f"fault-operator-{number}" for number in range(40)]
    of_slot = [[name for name in names if slot_of(name, SLOTS) == slot] for slot in range(SLOTS)]
    return tuple(of_slot[number % SLOTS][number // SLOTS] for number in range(2 * SLOTS))


OPERATORS = _operators()


@dataclass
class Fleet:
    """`members` are SLOTS that work and the others spare; which is which the database knows."""

    clock: SystemClock
    database_url: str
    members: Sequence[GatewayProcess]
    devices: Devices

    async def start(self) -> None:
        """Return when every slot is held, the first by the first member, and every operator heard by its own."""
        for number, member in enumerate(self.members):
            member.start()
            if number == 0:
                await self._until(partial(self._hears, 0), "nobody claims the first slot")
        for slot in range(SLOTS):
            await self._until(partial(self._hears, slot), f"slot {slot} hears nobody")
        await self.spare_waits()

    async def holder(self, slot: int) -> GatewayProcess:
        """The process that holds `slot` now."""
        names = await self._ask(
            "SELECT holder FROM gateway.slot WHERE client_id = $1 AND until > clock_timestamp()", _client(slot)
        )
        return next(member for member in self.members if names and names.endswith(f":{member.pid}"))

    async def works(self, slot: int, *, events: int = 1, within_s: float = 30.0) -> None:
        """Return when `slot` has committed `events` more than now."""
        before = await self._received(slot)

        async def more() -> bool:
            return await self._received(slot) >= before + events

        await self._until(more, f"nothing is committed for slot {slot}", within_s)

    async def taken_over(self, slot: int, *, since: float, term: int) -> float:
        """Seconds from `since` to the first commit after somebody else claimed `slot`, whose term was `term`."""

        async def claimed() -> bool:
            return await self.term(slot) > term

        await self._until(claimed, f"nobody claims slot {slot}")
        await self.works(slot)
        return self.clock.monotonic() - since

    async def spare_waits(self) -> None:
        """Return when every member has a session with the database: one more than there are slots to hold."""

        async def all_there() -> bool:
            asked = "SELECT count(DISTINCT application_name) FROM pg_stat_activity WHERE application_name LIKE $1"
            return bool(await self._ask(asked, "berth gateway%") == len(self.members))

        await self._until(all_there, "no spare waits")

    async def term(self, slot: int) -> int:
        return int(await self._ask("SELECT term FROM gateway.slot WHERE client_id = $1", _client(slot)) or 0)

    async def healed(self, *, within_s: float = 90.0) -> Verdict:
        """The verdict once all have come to rest and were stopped."""

        async def clean() -> bool:
            return (await judge(self.database_url, self.devices.ledger)).clean

        deadline = self.clock.monotonic() + within_s
        while not await clean() and self.clock.monotonic() < deadline:
            await self.clock.sleep(_JUDGE_AGAIN_S)
        await self.spare_waits()  # whoever was started last knows by then what SIGTERM means
        codes = [await asyncio.to_thread(member.stop) for member in self.members]
        verdict = await judge(self.database_url, self.devices.ledger)
        assert verdict.clean, f"{verdict}\n{self.last_words()}"
        assert not any(codes), f"ended with {codes}: {self.last_words()}"
        return verdict

    def last_words(self) -> str:
        return "\n".join(member.last_words() for member in self.members)

    async def _hears(self, slot: int) -> bool:
        mine = [operator for operator in OPERATORS if slot_of(operator, SLOTS) == slot]
        if slot == 0:
            return bool(await self._ask("SELECT holder FROM gateway.slot WHERE client_id = $1", _client(slot)))
        heard = await self._ask("SELECT count(*) FROM gateway.subscription WHERE client_id = $1", _client(slot))
        return bool(heard == len(mine))

    async def _received(self, slot: int) -> int:
        names = [f"fault-{park}" for park in range(CAR_PARKS)]
        mine = [name for name in names if slot_of(operator_of(name, OPERATORS), SLOTS) == slot]
        asked = "SELECT COALESCE(sum(received), 0)::bigint FROM gateway.tally WHERE car_park = ANY ($1)"
        return int(await self._ask(asked, mine))

    async def _ask(self, question: str, *arguments: Any) -> Any:
        connection = await asyncpg.connect(self.database_url)
        try:
            return await connection.fetchval(question, *arguments)
        finally:
            await connection.close()

    async def _until(self, ask: Callable[[], Awaitable[bool]], complaint: str, within_s: float = 30.0) -> None:
        await until(ask, self.clock, lambda: f"{complaint}: {self.last_words()}", within_s=within_s)


def freeze(member: GatewayProcess) -> None:
    """SIGSTOP: alive, connected, and deaf."""
    assert member.process is not None
    member.process.send_signal(signal.SIGSTOP)


def thaw(member: GatewayProcess) -> None:
    """SIGCONT."""
    assert member.process is not None
    member.process.send_signal(signal.SIGCONT)


async def replaced(member: GatewayProcess, clock: SystemClock, *, within_s: float = 20.0) -> None:
    """Return when it has found out and ended by itself."""
    process = member.process
    assert process is not None

    async def ended() -> bool:
        return process.poll() is not None

    await until(
        ended, clock, lambda: f"it goes on as if nothing had happened: {member.last_words()}", within_s=within_s
    )
    assert process.returncode == 1, member.last_words()


def _client(slot: int) -> str:
    return client_id_of("berth-gateway", slot, SLOTS)
