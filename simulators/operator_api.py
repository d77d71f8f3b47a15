"""What the simulators ask of the operator's REST interface: create a car park, list what exists, read the books."""

import itertools
from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import Any, Final, Self

import aiohttp
import msgspec
from msgspec import Struct, field

_PATIENCE: Final = aiohttp.ClientTimeout(total=120, sock_connect=5, sock_read=60)
_LINE_BYTES_MAX: Final = 64 * 1024 * 1024
"""One car park of the inventory is one line: 100,000 spaces fit."""


class NotAllowed(RuntimeError):
    """The service answered with a problem; the message is its sentence."""


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
        """Whose the car park is, or None when there is none. Raises NotAllowed."""
        async with self._open().get(f"{self._base}/v1/operator/car-parks/{car_park}") as answer:
            if answer.status == 404:
                return None
            return msgspec.json.decode(await _body(answer), type=_Owned).operator

    async def put_car_park(self, car_park: str, wanted: Mapping[str, Any]) -> None:
        """Create or replace a car park. Raises NotAllowed."""
        url = f"{self._base}/v1/operator/car-parks/{car_park}"
        body = msgspec.json.encode(wanted)
        async with self._open().put(url, data=body, headers={"Content-Type": "application/json"}) as answer:
            await _body(answer)

    async def books(self, car_park: str) -> Books:
        """The car park's tally as of the last commit. Raises NotAllowed."""
        async with self._open().get(f"{self._base}/v1/operator/car-parks/{car_park}/ingest") as answer:
            return msgspec.json.decode(await _body(answer), type=Books)

    async def inventory(self) -> AsyncIterator[CarParkHeld]:
        """Every car park the token may manage, with zones, spaces and lanes. Raises NotAllowed."""
        decoder = msgspec.json.Decoder(CarParkHeld)
        async with self._open().get(f"{self._base}/v1/operator/inventory") as answer:
            if answer.status >= 400:
                await _body(answer)
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

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("not open: use `async with`")
        return self._session


async def _body(answer: aiohttp.ClientResponse) -> bytes:
    body = await answer.read()
    if answer.status < 400:
        return body
    try:
        problem = msgspec.json.decode(body, type=_Problem)
    except msgspec.DecodeError:
        problem = _Problem(detail=body[:200].decode(errors="replace"))
    words = ": ".join(itertools.filterfalse(lambda part: not part, (problem.title, problem.detail)))
    raise NotAllowed(f"{answer.method} {answer.url.path}: {answer.status} {words}")
