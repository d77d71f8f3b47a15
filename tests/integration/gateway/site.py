"""An API process for the gateway's tests: what reports over HTTP, over a real database, and the keys to sign with."""

import contextlib
import hashlib
import hmac
import io
import itertools
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
import msgspec
import orjson

from contracts.facts import PassageHandler, RecordFacts
from contracts.ids import DeviceId, OperatorId
from gateway.record import Handlers
from gateway.service import serving
from gateway.settings import GatewaySettings
from kernel.api_keys import KeyChecker, split_api_key
from kernel.auth import Authenticator
from kernel.callers import INGEST_SCOPE
from kernel.clock import Clock, SystemClock
from kernel.db import Database
from kernel.tokens import local_issuer, new_signing_key
from kernel.webserver import WebServer, make_application
from occupancy.record import Recorder
from occupancy.settings import OccupancySettings
from registry.issue_key import issue_key
from registry.key_store import RegistryKeyStore
from registry.sql import audit

_nonces = itertools.count(1)


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    raw: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.raw)


@dataclass(frozen=True)
class Site:
    """Speaks HTTP as whoever holds a key; `key` reports for the operator of the tests."""

    session: aiohttp.ClientSession
    db: Database
    key: str

    async def push(
        self,
        kind: str,
        body: Any,
        *,
        car_park: str = "mall-1",
        key: str | None = None,
        **signing: Any,
    ) -> Answer:
        """A push; `signing` may put another `nonce`, `timestamp`, `signed_body` or `signed_address` into it."""
        raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
        address = f"/v1/ingest/{kind}?car_park={car_park}"
        return await self.send("POST", address, raw, headers=signed(key or self.key, address, raw, **signing))

    async def send(self, method: str, address: str, raw: bytes | None = None, **more: Any) -> Answer:
        body = None if raw is None else io.BytesIO(raw)
        async with self.session.request(method, address, data=body, **more) as response:
            return Answer(response.status, await response.read())

    async def issue(
        self, operator: str | None, scopes: Sequence[str] = (INGEST_SCOPE,), *, device: str | None = None
    ) -> str:
        """The text of a fresh key."""
        async with self.db.transaction() as tx:
            issued = await issue_key(
                tx,
                None if operator is None else OperatorId(operator),
                name="test",
                actor="test",
                scopes=frozenset(scopes),
                device=None if device is None else DeviceId(device),
            )
        return issued.text


def signed(
    key: str,
    address: str,
    body: bytes,
    *,
    nonce: str | None = None,
    timestamp: str | None = None,
    signed_body: bytes | None = None,
    signed_address: str | None = None,
) -> dict[str, str]:
    """The four headers, as anybody would write them who read docs/push.md."""
    parts = split_api_key(key)
    assert parts is not None
    key_id, secret = parts
    nonce = nonce or f"nonce-{next(_nonces)}-{key_id}"
    timestamp = timestamp or str(int(SystemClock().now().timestamp()))
    digest = hashlib.sha256(body if signed_body is None else signed_body).hexdigest()
    text = "\n".join(["POST", signed_address or address, timestamp, nonce, digest])
    signature = hmac.new(hashlib.sha256(secret.encode()).digest(), text.encode(), hashlib.sha256).hexdigest()
    return {"X-Key": key_id, "X-Timestamp": timestamp, "X-Nonce": nonce, "X-Signature": signature}


@contextlib.asynccontextmanager
async def running_site(
    db: Database,
    *,
    record_facts: RecordFacts | None = None,
    on_passage: Sequence[PassageHandler] = (),
    clock: Clock | None = None,
    operator: str = "op",
) -> AsyncIterator[Site]:
    """The API on loopback until the block ends."""
    clock = clock or SystemClock()
    keys = RegistryKeyStore(db)
    handlers = Handlers(record_facts or Recorder(OccupancySettings()).record_facts, on_passage)
    checker = KeyChecker(keys, clock)
    service = serving(db, handlers, clock=clock, settings=GatewaySettings(), record_audit=audit.record, keys=checker)
    authenticator = Authenticator(issuer=local_issuer(new_signing_key()), keys=keys, clock=clock)
    server = WebServer(make_application(service.apis, clock=clock, authenticator=authenticator, database=db))
    port = await server.start("127.0.0.1", 0)
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        site = Site(session, db, "")
        yield Site(session, db, await site.issue(operator))
    await server.stop()
