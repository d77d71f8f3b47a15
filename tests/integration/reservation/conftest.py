"""Reservation and the registry served on loopback over a real database, for drivers and operators."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

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
from reservation import service as reservation
from reservation.settings import ReservationSettings
from reservation.signing import SigningKey
from reservation.sql import recount

ANN, BEN, CITY, MIRA, OTTO = "ann", "ben", "city", "mira", "otto"
PARK = "sy-1"
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
    """A client that speaks as a driver (ann, ben) or an operator (mira, otto, city), and reads the database."""

    session: aiohttp.ClientSession
    database: Database
    clock: ManualClock
    tokens: dict[str, str]
    driver: Callable[[str], str] = field(repr=False)
    turns: dict[str, Callable[[], Awaitable[None]]] = field(repr=False)
    """The loops of the API's side, by name."""

    async def ask(self, method: str, path: str, *, who: str | None = ANN, headers: Any = None, **more: Any) -> Answer:
        said = {} if who is None else {"Authorization": f"Bearer {self.tokens.get(who) or self.driver(who)}"}
        async with self.session.request(method, path, headers={**said, **(headers or {})}, **more) as response:
            return Answer(response.status, response.headers, await response.read())

    async def get(self, path: str, **more: Any) -> Answer:
        return await self.ask("GET", path, **more)

    async def put(self, path: str, body: Any, *, who: str = CITY, **more: Any) -> Answer:
        return await self.ask("PUT", path, json=body, who=who, **more)

    async def post(self, path: str, body: Any = None, *, key: str | None = None, **more: Any) -> Answer:
        """With an Idempotency-Key of its own, or `key`."""
        headers = {"Idempotency-Key": key or new_id("key", self.clock.now())}
        return await self.ask("POST", path, json=body, headers=headers, **more)

    def at(self, minutes: float) -> str:
        """So many minutes from now, as it is written on the wire."""
        return (self.clock.now() + timedelta(minutes=minutes)).isoformat()

    def wanted(self, begins: float = 60, until: float = 120, **changes: Any) -> dict[str, Any]:
        """A hold of the pool, from and until so many minutes from now."""
        body = {"car_park": PARK, "vehicle": CAR, "from": self.at(begins), "until": self.at(until)}
        return {name: value for name, value in {**body, **changes}.items() if value is not None}

    async def hold(self, begins: float = 60, until: float = 120, *, who: str = ANN, **changes: Any) -> Answer:
        return await self.post("/v1/reservations", self.wanted(begins, until, **changes), who=who)

    async def step(self, reservation: str, verb: str, body: Any = None, *, who: str = ANN) -> Answer:
        return await self.post(f"/v1/reservations/{reservation}/{verb}", body, who=who)

    async def confirmed(self, begins: float = 60, until: float = 120, *, who: str = ANN, **changes: Any) -> Any:
        """A confirmed reservation, as its driver sees it."""
        held = await self.hold(begins, until, who=who, **changes)
        assert held.status == 201, held.raw
        answer = await self.step(held.json["id"], "confirm", who=who)
        assert answer.status == 200, answer.raw
        return answer.json

    async def rows(self, statement: str, *arguments: Any) -> list[Row]:
        async with self.database.transaction(readonly=True) as tx:
            return await tx.fetch(statement, *arguments)

    async def miscounted(self) -> list[Row]:
        """Days whose counters are not what the reservations say."""
        async with self.database.transaction(readonly=True) as tx:
            return await recount.differences(tx)


def park(**changes: Any) -> dict[str, Any]:
    """A car park of mira's with twenty spaces, three of them promised at a time."""
    body = {
        "operator": MIRA,
        "name": {"zh": "中街停车场", "en": "Zhongjie"},
        "position": {"lat": 41.7975, "lon": 123.457},
        "capacity": 20,
        "reservable": 3,
        "spaces": [{"space": f"B1-{number:03}"} for number in range(1, 11)],
        "lanes": [{"lane": "E1", "direction": "entry"}, {"lane": "X1", "direction": "exit"}],
    }
    return {**body, **changes}


@pytest.fixture
async def site(database: Database, clock: ManualClock, tmp_path: Path) -> AsyncIterator[Site]:
    """With one car park, `PARK`."""
    keys = {}
    async with database.transaction() as tx:
        for name in (MIRA, OTTO):
            await car_parks.ensure_operator(tx, Operator(OperatorId(name), Name(name, name)))
            keys[name] = (await issue_key(tx, OperatorId(name), name="test", actor="test")).text
        keys[CITY] = (await issue_key(tx, None, name="test", actor="test")).text
    signing = new_signing_key()

    async def on_counts(_tx: Tx, _facts: Facts) -> Recorded:
        return Recorded()

    def driver(name: str) -> str:
        return mint_driver_token(signing, name, clock.now())

    services = [
        registry_service(database, RegistrySettings(), on_counts=on_counts, profiles=[]),
        reservation.serving(
            database,
            ReservationSettings(webhooks_loopback=True),
            signing_key=SigningKey(tmp_path / "promises.json"),
            record_audit=audit.record,
            give_order=give_order,
        ),
    ]
    authenticator = Authenticator(issuer=local_issuer(signing), keys=RegistryKeyStore(database), clock=clock)
    apis = [api for service in services for api in service.apis]
    turns = {loop.name: loop.step for service in services for loop in service.loops}
    server = WebServer(make_application(apis, clock=clock, authenticator=authenticator, database=database))
    port = await server.start("127.0.0.1", 0)
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        made = Site(session, database, clock, keys, driver, turns)
        answer = await made.put(f"/v1/operator/car-parks/{PARK}", park())
        assert answer.status == 201, answer.raw
        yield made
    await server.stop()


def moment(text: str) -> datetime:
    """A time as it was told."""
    return datetime.fromisoformat(text)
