"""The registry served on loopback over a real database, with the city's key and those of two operators."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import aiohttp
import orjson
import pytest
from pydantic import BaseModel, ConfigDict, Field

from contracts.facts import Facts, Recorded
from contracts.ids import OperatorId
from contracts.profiles import Direction, Example, InLane, InLanes, ProfileCard
from kernel.auth import Authenticator
from kernel.clock import ManualClock
from kernel.db import Database, Tx
from kernel.tokens import local_issuer, new_signing_key
from kernel.webserver import WebServer, make_application
from registry.catalogue import Name, Operator
from registry.issue_key import issue_key
from registry.key_store import RegistryKeyStore
from registry.service import registry_service
from registry.settings import RegistrySettings
from registry.sql import car_parks

CITY, MIRA, OTTO = "city", "mira", "otto"


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Any
    raw: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.raw)


@dataclass(frozen=True)
class Site:
    """A client that speaks as the city (every operator), as mira or as otto."""

    session: aiohttp.ClientSession
    keys: dict[str, str]
    counted: list[Facts]

    async def ask(self, method: str, path: str, *, who: str | None = CITY, headers: Any = None, **more: Any) -> Answer:
        said = {} if who is None else {"Authorization": f"Bearer {self.keys[who]}"}
        async with self.session.request(method, path, headers={**said, **(headers or {})}, **more) as response:
            return Answer(response.status, response.headers, await response.read())

    async def get(self, path: str, **more: Any) -> Answer:
        return await self.ask("GET", path, **more)

    async def put(self, path: str, body: Any, **more: Any) -> Answer:
        return await self.ask("PUT", path, json=body, **more)


@pytest.fixture
async def site(database: Database, clock: ManualClock) -> AsyncIterator[Site]:
    keys = {}
    async with database.transaction() as tx:
        for name in (MIRA, OTTO):
            await car_parks.ensure_operator(tx, Operator(OperatorId(name), Name(name, name)))
            keys[name] = (await issue_key(tx, OperatorId(name), name="test", actor="test")).text
        keys[CITY] = (await issue_key(tx, None, name="test", actor="test")).text
    counted: list[Facts] = []

    async def on_counts(tx: Tx, facts: Facts) -> Recorded:
        counted.append(facts)
        return Recorded()

    service = registry_service(
        database,
        RegistrySettings(),
        on_counts=on_counts,
        profiles=[profile("generic"), profile("pni-placepod", "placepod")],
    )
    authenticator = Authenticator(issuer=local_issuer(new_signing_key()), keys=RegistryKeyStore(database), clock=clock)
    server = WebServer(make_application(service.apis, clock=clock, authenticator=authenticator, database=database))
    port = await server.start("127.0.0.1", 0)
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        yield Site(session, keys, counted)
    await server.stop()


class TestedSettings(BaseModel, InLanes):
    """Of the devices in these tests."""

    model_config = ConfigDict(extra="forbid", title="settings")

    offset_cm: Annotated[int, Field(ge=0)] = 0
    lane: str | None = None
    direction: Direction | None = None

    def in_lanes(self) -> Sequence[InLane]:
        return () if self.lane is None else (InLane(self.lane, self.direction, "lane"),)


def profile(name: str, *aliases: str) -> ProfileCard:
    """What the gateway would tell of a device it can read."""
    example = Example("01", 1, "occupied")
    return ProfileCard(
        name=name,
        vendor="PNI",
        model="PlacePod",
        codec=f"{name}-1",
        measures="space",
        settings=TestedSettings,
        source="its maker",
        aliases=aliases,
        ports=(1,),
        example=example,
    )


def park(**changes: Any) -> dict[str, Any]:
    """A valid car park of mira's; `changes` in its place."""
    body = {
        "operator": "mira",
        "name": {"zh": "中街停车场", "en": "Zhongjie"},
        "position": {"lat": 41.7975, "lon": 123.457},
        "capacity": 10,
        "zones": [{"zone": "B1", "capacity": 6, "level": -1}, {"zone": "B2", "capacity": 4}],
        "spaces": [{"space": "B1-001", "zone": "B1"}, {"space": "B1-002", "zone": "B1", "features": ["ev"]}],
        "lanes": [{"lane": "E1", "direction": "entry"}, {"lane": "X1", "direction": "exit"}],
    }
    return {**body, **changes}
