"""What the simulators ask of the operator's REST interface: create a car park, list what exists, read the books."""

import contextlib
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import aiohttp
import msgspec
from msgspec import Struct, field

from simulators.clock import Clock

T = TypeVar("T")
_PATIENCE: Final = aiohttp.ClientTimeout(total=120, sock_connect=5, sock_read=60)
PATIENCE_S: Final = 60.0
"""A service that starts beside us, or whose database recovers, is there within this time."""
_RETRY_S: Final = 0.5
_LINE_BYTES_MAX: Final = 64 * 1024 * 1024
"""One car park of the inventory is one line: 100,000 spaces fit."""


class NotAllowed(RuntimeError):
    """The service answered with a problem; the message is its sentence."""


class Unavailable(NotAllowed):
    """The service did not answer, or says that it cannot for now: asking again later may help."""


class ZoneHeld(Struct, frozen=True):
    """A zone of a car park in the inventory."""

    zone: str
    capacity: int = 0


class LaneHeld(Struct, frozen=True):
    """A lane of a car park in the inventory."""

    lane: str
    direction: str


class CarParkHeld(Struct, frozen=True):
    """One line of `GET /v1/operator/inventory`. `spaces`: labels by zone, "" for those without one."""

    id: str
    operator: str
    capacity: int
    kind: str = ""
    measured_by: str = "auto"
    zones: list[ZoneHeld] = field(default_factory=list)
    spaces: dict[str, list[str]] = field(default_factory=dict)
    lanes: list[LaneHeld] = field(default_factory=list)
    reservable: int = 0


class Books(Struct, frozen=True):
    """A car park's tally: received = stored + duplicate + late + dead."""

    received: int = 0
    stored: int = 0
    duplicate: int = 0
    late: int = 0
    dead: int = 0

    def since(self, earlier: "Books") -> "Books":
        """What has been added to the books after `earlier`."""
        return Books(
            self.received - earlier.received,
            self.stored - earlier.stored,
            self.duplicate - earlier.duplicate,
            self.late - earlier.late,
            self.dead - earlier.dead,
        )


class _Problem(Struct):
    title: str = ""
    detail: str = ""


class _Owned(Struct):
    operator: str


class OperatorApi:
    """An HTTP session with an operator's token; an async context manager."""

    def __init__(self, base_url: str, token: str) -> None:
        self._base = base_url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"}
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            headers=self._headers, timeout=_PATIENCE, connector=aiohttp.TCPConnector(limit=8), read_bufsize=1024 * 1024
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def operator_of(self, car_park: str) -> str | None:
        """Whose the car park is, or None when there is none. Raises NotAllowed, Unavailable."""
        async with self._asked("GET", f"/v1/operator/car-parks/{car_park}") as answer:
            if answer.status == 404:
                return None
            return msgspec.json.decode(await body_of(answer), type=_Owned).operator

    async def put_car_park(self, car_park: str, wanted: Mapping[str, Any]) -> None:
        """Create or replace a car park. Raises NotAllowed, Unavailable."""
        body = msgspec.json.encode(wanted)
        async with self._asked("PUT", f"/v1/operator/car-parks/{car_park}", body) as answer:
            await body_of(answer)

    async def put_tariff(self, car_park: str, document: Mapping[str, Any]) -> None:
        """The car park's tariff from now on; nothing new where it is this one. Raises NotAllowed, Unavailable."""
        body = msgspec.json.encode(document)
        async with self._asked("PUT", f"/v1/operator/car-parks/{car_park}/tariff", body) as answer:
            await body_of(answer)

    async def books(self, car_park: str) -> Books:
        """The car park's tally as of the last commit. Raises NotAllowed, Unavailable."""
        async with self._asked("GET", f"/v1/operator/car-parks/{car_park}/ingest") as answer:
            return msgspec.json.decode(await body_of(answer), type=Books)

    async def inventory(self) -> AsyncIterator[CarParkHeld]:
        """Every car park the token may manage, with zones, spaces and lanes. Raises NotAllowed, Unavailable."""
        decoder = msgspec.json.Decoder(CarParkHeld)
        async with self._asked("GET", "/v1/operator/inventory") as answer:
            if answer.status >= 400:
                await body_of(answer)
            rest = b""
            async for chunk in answer.content.iter_any():
                *lines, rest = (rest + chunk).split(b"\n")
                if len(rest) > _LINE_BYTES_MAX:
                    raise NotAllowed("a line of the inventory is too long")
                for line in lines:
                    if line.strip():
                        yield decoder.decode(line)
            if rest.strip():
                yield decoder.decode(rest)

    @contextlib.asynccontextmanager
    async def _asked(self, method: str, path: str, body: bytes | None = None) -> AsyncIterator[aiohttp.ClientResponse]:
        if self._session is None:
            raise RuntimeError("not open: use `async with`")
        headers = {} if body is None else {"Content-Type": "application/json"}
        try:
            async with self._session.request(method, self._base + path, data=body, headers=headers) as answer:
                yield answer
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, TimeoutError) as error:
            raise Unavailable(f"{method} {path}: {type(error).__name__} {error}") from error


async def patiently(call: Callable[[], Awaitable[T]], clock: Clock, *, patience_s: float = PATIENCE_S) -> T:
    """What `call` answers, asked again while the service is unavailable. Raises Unavailable after `patience_s`."""
    deadline = clock.monotonic() + patience_s
    while True:
        try:
            return await call()
        except Unavailable:
            if clock.monotonic() > deadline:
                raise
        await clock.sleep(_RETRY_S)


async def body_of(answer: aiohttp.ClientResponse) -> bytes:
    """What was answered. Raises NotAllowed with the problem's sentence, Unavailable."""
    body = await answer.read()
    if answer.status < 400:
        return body
    try:
        problem = msgspec.json.decode(body, type=_Problem)
    except msgspec.DecodeError:
        problem = _Problem(detail=body[:200].decode(errors="replace"))
    words = ": ".join(itertools.filterfalse(lambda part: not part, (problem.title, problem.detail)))
    kind = Unavailable if answer.status >= 500 else NotAllowed
    raise kind(f"{answer.method} {answer.url.path}: {answer.status} {words}")
