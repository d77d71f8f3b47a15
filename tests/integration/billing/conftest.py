"""Billing and the registry served on loopback over a real database, for drivers, operators and passers-by."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import aiohttp
import orjson
import pytest
from pydantic import SecretStr

from billing import service as billing
from billing.channels.offered import offered
from billing.settings import ChannelsSettings, SandboxSettings
from contracts.facts import Facts, Recorded
from contracts.ids import OperatorId
from gateway.give_order import give_order
from kernel.auth import Authenticator
from kernel.clock import ManualClock
from kernel.db import Database, Row, Tx
from kernel.ids import new_id
from kernel.tokens import local_issuer, mint_driver_token, new_signing_key
from kernel.webserver import WebServer, make_application
from registry.catalogue import Name, Operator
from registry.issue_key import issue_key
from registry.key_store import RegistryKeyStore
from registry.service import registry_service
from registry.settings import RegistrySettings
from registry.sql import audit, car_parks

ANN, BEN, CITY, MIRA, OTTO = "ann", "ben", "city", "mira", "otto"
PARK = "sy-1"
CHANNELS = ChannelsSettings(sandbox=SandboxSettings(secret=SecretStr("between the sandbox and us")))
CAR = {"plate": "辽A12345", "color": "blue"}
OTHER_CAR = {"plate": "辽AD12345", "color": "green"}


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Any
    raw: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.raw)


@dataclass
class Site:
    """A client that speaks as a driver (ann, ben), an operator (mira, otto, city) or nobody, and reads the database."""

    session: aiohttp.ClientSession
    database: Database
    clock: ManualClock
    tokens: dict[str, str]
    driver: Callable[[str], str] = field(repr=False)

    async def ask(self, method: str, path: str, *, who: str | None = ANN, headers: Any = None, **more: Any) -> Answer:
        said = {} if who is None else {"Authorization": f"Bearer {self.tokens.get(who) or self.driver(who)}"}
        async with self.session.request(method, path, headers={**said, **(headers or {})}, **more) as response:
            return Answer(response.status, response.headers, await response.read())

    async def get(self, path: str, **more: Any) -> Answer:
        return await self.ask("GET", path, **more)

    async def put(self, path: str, body: Any, *, who: str = CITY, **more: Any) -> Answer:
        return await self.ask("PUT", path, json=body, who=who, **more)

    async def delete(self, path: str, **more: Any) -> Answer:
        return await self.ask("DELETE", path, **more)

    async def post(self, path: str, body: Any = None, *, key: str | None = None, **more: Any) -> Answer:
        """With an Idempotency-Key of its own, or `key`."""
        headers = {"Idempotency-Key": key or new_id("key", self.clock.now())}
        return await self.ask("POST", path, json=body, headers=headers, **more)

    def at(self, minutes: float) -> str:
        """So many minutes from now, as it is written on the wire."""
        return (self.clock.now() + timedelta(minutes=minutes)).isoformat()

    async def rows(self, statement: str, *arguments: Any) -> list[Row]:
        async with self.database.transaction(readonly=True) as tx:
            return await tx.fetch(statement, *arguments)


def park(**changes: Any) -> dict[str, Any]:
    """A car park of mira's with one nested zone and a lane each way."""
    body = {
        "operator": MIRA,
        "name": {"zh": "中街停车场", "en": "Zhongjie"},
        "position": {"lat": 41.7975, "lon": 123.457},
        "capacity": 20,
        "zones": [{"zone": "B1", "capacity": 5}],
        "lanes": [{"lane": "E1", "direction": "entry"}, {"lane": "X1", "direction": "exit"}],
    }
    return {**body, **changes}


@pytest.fixture
async def site(database: Database, clock: ManualClock) -> AsyncIterator[Site]:
    """With one car park, `PARK`, that has no tariff yet."""
    keys = {}
    async with database.transaction() as tx:
        for name in (MIRA, OTTO):
            await car_parks.ensure_operator(tx, Operator(OperatorId(name), Name(name, name)))
            keys[name] = (await issue_key(tx, OperatorId(name), name="test", actor="test")).text
        keys[CITY] = (await issue_key(tx, None, name="test", actor="test")).text
    signing = new_signing_key()

    async def on_counts(_tx: Tx, _facts: Facts) -> Recorded:
        return Recorded()

    channels = offered(CHANNELS, database, listens_at="http://127.0.0.1")
    services = [
        registry_service(database, RegistrySettings(), on_counts=on_counts, profiles=[]),
        billing.serving(
            database,
            channels=channels,
            zone=RegistrySettings().zone,
            record_audit=audit.record,
            give_order=give_order,
        ),
    ]
    authenticator = Authenticator(issuer=local_issuer(signing), keys=RegistryKeyStore(database), clock=clock)
    apis = [api for service in services for api in service.apis]
    server = WebServer(make_application(apis, clock=clock, authenticator=authenticator, database=database))
    port = await server.start("127.0.0.1", 0)
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        made = Site(session, database, clock, keys, lambda name: mint_driver_token(signing, name, clock.now()))
        answer = await made.put(f"/v1/operator/car-parks/{PARK}", park())
        assert answer.status == 201, answer.raw
        yield made
    await server.stop()
