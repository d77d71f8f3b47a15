"""A car park that bills through simulated payment channels: billing's own service over a real database, HTTP between.

What devices and workers do is done step by step, with a clock that moves when it is told to; a day takes seconds.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, Final

import aiohttp
from prometheus_client import CollectorRegistry

from app.processes import LOOPBACK, free_port
from billing import service as billing
from billing.channels.offered import offered
from billing.channels.protocol import ChannelAway
from billing.settings import ChannelsSettings
from contracts.facts import Facts, PassageSeen, Recorded
from contracts.ids import CarParkId, OperatorId
from gateway.give_order import give_order
from kernel.auth import Authenticator
from kernel.clock import ManualClock
from kernel.db import Database, Row, Tx
from kernel.ids import new_id
from kernel.jobs import ATTEMPTS_MAX
from kernel.service import Job, Service
from kernel.tokens import local_issuer, new_signing_key
from kernel.webserver import WebServer, make_application
from registry.catalogue import Name, Operator
from registry.issue_key import issue_key
from registry.key_store import RegistryKeyStore
from registry.service import registry_service
from registry.settings import RegistrySettings
from registry.sql import audit, car_parks
from simulators.payment_channel.channel import Channel
from simulators.payment_channel.mischief import Mischief
from simulators.payment_channel.parties import parties_in
from simulators.payment_channel.run import settings_for
from simulators.payment_channel.server import SimulatedChannels, simulated_channels

PARK: Final = "chaos-1"
NAMES: Final = ("wechat", "alipay")
CAR_PARK: Final = {
    "operator": "chaos",
    "name": {"zh": "混沌停车场", "en": "Chaos"},
    "position": {"lat": 41.8, "lon": 123.43},
    "capacity": 20_000,
    "lanes": [{"lane": "E1", "direction": "entry"}, {"lane": "X1", "direction": "exit"}],
}
TARIFF: Final = {
    "name": {"zh": "每刻钟1.25元", "en": "1.25 yuan a quarter of an hour"},
    "plans": [{"id": "all", "charge": {"kind": "units", "steps": [{"amount": 125, "unit_min": 15}]}}],
}
_AGREED: Final = """
INSERT INTO billing.agreement (id, driver, plate, color, channel, contract, state, created_at, updated_at)
SELECT 'agr_' || plate, 'ann', plate, 'blue', $2, 'openid-' || plate, 'active', $3, $3 FROM unnest($1::text[]) AS plate
"""
_UNDER_WAY: Final = """
SELECT (SELECT count(*) FROM billing.payment WHERE poll_at IS NOT NULL)
    + (SELECT count(*) FROM billing.refund WHERE poll_at IS NOT NULL)
    + (SELECT count(*) FROM jobs.pgqueuer WHERE status = 'queued')
"""
_JOBS: Final = "DELETE FROM jobs.pgqueuer WHERE status = 'queued' RETURNING entrypoint, payload"
_AT_ONCE: Final = 8


class ChannelCity:
    """See the module. `theirs` are the channels: what they know is the truth."""

    def __init__(
        self,
        database: Database,
        clock: ManualClock,
        theirs: SimulatedChannels,
        upkeep: Service,
        session: aiohttp.ClientSession,
    ) -> None:
        self.database, self.clock, self.theirs = database, clock, theirs
        self._jobs: dict[str, Job] = {job.name: job for job in upkeep.jobs}
        self._polls = next(loop.step for loop in upkeep.loops if loop.name == "billing.channels")
        self._take = billing.on_passages(give_order)
        self._session = session
        self._ids = count(1)
        self._failed: list[tuple[Row, int]] = []

    def channel(self, name: str) -> Channel:
        found: Channel = getattr(self.theirs, name)
        return found

    async def agree(self, plates: Sequence[str], channel: str) -> None:
        """Each vehicle leaves first and pays later, by `channel`."""
        async with self.database.transaction() as tx:
            await tx.execute(_AGREED, list(plates), channel, tx.now)

    async def pass_by(self, plates: Iterable[str], direction: str) -> None:
        """All of them, now, in one batch as the gateway takes it."""
        now = self.clock.now()
        passages = [
            PassageSeen(
                car_park=CarParkId(PARK),
                id=f"p-{next(self._ids)}",
                lane="E1" if direction == "entry" else "X1",
                direction=direction,
                plate=plate,
                color="blue",
                vehicle_class="small",
                confidence=0.98,
                image=None,
                ticket=None,
                at=now,
                received_at=now,
            )
            for plate in plates
        ]
        async with self.database.transaction() as tx:
            await self._take(tx, passages)

    async def work(self) -> None:
        """What the worker has to do now: jobs, and payments and refunds whose time to be asked for has come.

        A job that fails comes again the next time, as often as a worker tries.
        """
        again, self._failed = self._failed, []
        while True:
            async with self.database.transaction() as tx:
                waiting = [*again, *((row, 1) for row in await tx.fetch(_JOBS))]
            again, few = [], asyncio.Semaphore(_AT_ONCE)
            await asyncio.gather(*(self._handle(few, row, attempt) for row, attempt in waiting))
            await self._polls()
            async with self.database.transaction(readonly=True) as tx:
                due = await tx.fetchval("SELECT count(*) FROM billing.payment WHERE poll_at <= $1", tx.now)
                due += await tx.fetchval("SELECT count(*) FROM billing.refund WHERE poll_at <= $1", tx.now)
            if not waiting and not due:
                return

    async def converge(self, *, hours: float = 80.0) -> float:
        """Work, and let the channels tell, until nobody has anything to do; how many hours went by."""
        began = self.clock.now()
        while self.clock.now() - began < timedelta(hours=hours):
            await self.theirs.agenda.step()
            await self.work()
            if not await self.value(_UNDER_WAY) and not self.theirs.agenda.waiting and not self._failed:
                return (self.clock.now() - began).total_seconds() / 3_600
            self.clock.advance(20 if self.clock.now() - began < timedelta(minutes=20) else 600)
        raise AssertionError(f"not after {hours} h: {self.theirs.agenda.waiting} deeds of the channels wait")

    async def pay_now(self, charge: str, name: str) -> None:
        """Somebody scans the code of a barrier and chooses a channel; the channel's own app comes later."""
        async with self._session.post(f"/pay/{charge}/{name}") as answer:
            assert answer.status == 200, await answer.text()

    def press(self, name: str) -> int:
        """Everybody who was shown a code pays it; how many."""
        channel = self.channel(name)
        waiting = [order.number for order in channel.truth.orders.values() if order.state == "waiting"]
        for number in waiting:
            channel.pay(number)
        return len(waiting)

    async def settle(self) -> None:
        """The hourly settlement."""
        await self._jobs["billing.settle"].handle(b"")

    async def rows(self, statement: str, *arguments: Any) -> list[Row]:
        async with self.database.transaction(readonly=True) as tx:
            return await tx.fetch(statement, *arguments)

    async def value(self, statement: str, *arguments: Any) -> Any:
        async with self.database.transaction(readonly=True) as tx:
            return await tx.fetchval(statement, *arguments)

    def days(self, name: str) -> list[date]:
        """On which the channel moved money, in its own time zone."""
        truth = self.channel(name).truth
        moments: list[datetime | None] = [order.succeeded_at for order in truth.orders.values()]
        moments += [refund.succeeded_at for refund in truth.refunds.values()]
        zone = RegistrySettings().zone
        return sorted({at.astimezone(zone).date() for at in moments if at is not None})

    async def _handle(self, few: asyncio.Semaphore, row: Row, attempt: int) -> None:
        async with few:
            try:
                await self._jobs[row["entrypoint"]].handle(row["payload"] or b"")
            except ChannelAway:
                if attempt < ATTEMPTS_MAX:
                    self._failed.append((row, attempt + 1))


@contextlib.asynccontextmanager
async def channel_city(
    database: Database, clock: ManualClock, folder: Path, mischief: Mischief
) -> AsyncIterator[ChannelCity]:
    """With one car park, its tariff, and both channels behind HTTP. `folder` keeps both sides' keys."""
    parties, port, zone = parties_in(folder, clock.now()), free_port(), RegistrySettings().zone
    async with simulated_channels(parties, clock, mischief) as theirs, contextlib.AsyncExitStack() as stack:
        said = settings_for(theirs.url, parties, folder, f"http://{LOOPBACK}:{port}")
        channels = offered(_settings(said), database, listens_at="")
        stack.push_async_callback(channels.close)

        async def on_counts(_tx: Tx, _facts: Facts) -> Recorded:
            return Recorded()

        services = [
            registry_service(database, RegistrySettings(), on_counts=on_counts, profiles=[]),
            billing.serving(database, channels=channels, zone=zone, record_audit=audit.record, give_order=give_order),
        ]
        authenticator = Authenticator(
            issuer=local_issuer(new_signing_key()), keys=RegistryKeyStore(database), clock=clock
        )
        apis = [api for service in services for api in service.apis]
        server = WebServer(make_application(apis, clock=clock, authenticator=authenticator, database=database))
        stack.push_async_callback(server.stop)
        await server.start(LOOPBACK, port)
        session = await stack.enter_async_context(aiohttp.ClientSession(f"http://{LOOPBACK}:{port}"))
        await _open(database, session)
        upkeep = billing.upkeep(
            database, channels=channels, zone=zone, registry=CollectorRegistry(), give_order=give_order
        )
        yield ChannelCity(database, clock, theirs, upkeep, session)


def _settings(said: dict[str, str]) -> ChannelsSettings:
    """Environment variables as the sections that they are."""
    found: dict[str, Any] = {"sandbox": {"enabled": False}}
    for name, value in said.items():
        *sections, field = name.removeprefix("BERTH_BILLING__CHANNELS__").lower().split("__")
        place = found
        for section in sections:
            place = place.setdefault(section, {})
        place[field] = value
    return ChannelsSettings.model_validate(found)


async def _open(database: Database, session: aiohttp.ClientSession) -> None:
    async with database.transaction() as tx:
        await car_parks.ensure_operator(tx, Operator(OperatorId("chaos"), Name("混沌", "Chaos")))
        key = (await issue_key(tx, None, name="test", actor="test")).text
    for path, body in (("", CAR_PARK), ("/tariff", TARIFF)):
        headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": new_id("key", database.clock.now())}
        async with session.put(f"/v1/operator/car-parks/{PARK}{path}", json=body, headers=headers) as answer:
            assert answer.status == 201, await answer.text()
