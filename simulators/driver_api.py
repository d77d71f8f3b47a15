"""What a driver's app asks: offers, a hold, what becomes of it."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Self

import aiohttp
import msgspec
from msgspec import Struct, field

from contracts.wire import Plate
from simulators.operator_api import Unavailable, body_of

_PATIENCE: Final = aiohttp.ClientTimeout(total=30, sock_connect=5)


class OfferHeld(Struct, frozen=True):
    """One of `GET /v1/offers`."""

    offer: str
    car_park: str
    space: str | None = None


class _Offers(Struct):
    items: list[OfferHeld] = field(default_factory=list)


class Reserved(Struct, frozen=True):
    """A reservation as its driver sees it."""

    id: str
    state: str
    car_park: str
    space: str | None
    until: datetime
    overstaying: bool = False


class DriverApi:
    """One session for all drivers; each speaks with a token of his own. An async context manager."""

    def __init__(self, base_url: str) -> None:
        self._base = base_url.rstrip("/")
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=_PATIENCE, connector=aiohttp.TCPConnector(limit=32))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def offers(self, car_park: str, begins: datetime, until: datetime) -> list[OfferHeld]:
        """What a car park and its lenders promise for the window. Raises NotAllowed, Unavailable."""
        asked = {"car_park": car_park, "from": begins.isoformat(), "until": until.isoformat()}
        answer = await self.ask("GET", "/v1/offers", params=asked)
        return msgspec.json.decode(answer, type=_Offers).items

    async def hold(self, token: str, offer: str, plate: Plate) -> Reserved:
        """Raises NotAllowed when somebody was faster."""
        body = {"offer": offer, "vehicle": {"plate": plate.plate, "color": plate.color}}
        return await self._reserved("POST", "/v1/reservations", token, body)

    async def step(self, token: str, reservation: str, verb: str, **body: Any) -> Reserved:
        """`confirm`, `cancel`, or `extend` with `until`. Raises NotAllowed."""
        return await self._reserved("POST", f"/v1/reservations/{reservation}/{verb}", token, body)

    async def read(self, token: str, reservation: str) -> Reserved:
        """As it is now. Raises NotAllowed, Unavailable."""
        return await self._reserved("GET", f"/v1/reservations/{reservation}", token, None)

    async def _reserved(self, method: str, path: str, token: str, body: Mapping[str, Any] | None) -> Reserved:
        return msgspec.json.decode(await self.ask(method, path, token=token, body=body), type=Reserved)

    async def ask(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        body: Mapping[str, Any] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> bytes:
        """The body of the answer; a POST has an idempotency key of its own. Raises NotAllowed, Unavailable."""
        if self._session is None:
            raise RuntimeError("not open: use `async with`")
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        if method == "POST":
            headers["Idempotency-Key"] = uuid.uuid1().hex
        try:
            async with self._session.request(
                method, self._base + path, headers=headers, params=params, json=body or None
            ) as answer:
                return await body_of(answer)
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, TimeoutError) as error:
            raise Unavailable(f"{method} {path}: {type(error).__name__} {error}") from error
