"""`/v1/ingest/{spaces|counts|passages}`: for those without MQTT, the same messages as signed requests."""

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from contracts.ids import SLUG_PATTERN
from contracts.wire import (
    EVENTS_MAX,
    PAYLOAD_BYTES_MAX,
    CountReport,
    CountsMessage,
    PassageMessage,
    SpaceEvent,
    SpacesMessage,
)
from gateway.errors import NotAMessage, RepeatedRequest, UnknownCarPark
from gateway.http.wire_schema import body_of
from gateway.push import EventOutcome, Pushed, PushKind, record_push
from gateway.record import Handlers
from gateway.refresh_directory import KeptCarParks
from gateway.refusals import Reason
from kernel.callers import INGEST_SCOPE, Caller
from kernel.db import Database
from kernel.http import SignedRequest, operation
from kernel.operations import Method

CarPark = Annotated[
    str, StringConstraints(pattern=SLUG_PATTERN), Field(description="Who speaks; one of the signing key's operator.")
]
SCOPES = frozenset({INGEST_SCOPE})
PROBLEMS = (UnknownCarPark, RepeatedRequest, NotAMessage)

_AT = "2026-11-23T08:00:00Z"
SPACES = body_of(
    SpacesMessage,
    SpaceEvent,
    example={
        "events": [{"space": "B1-032", "state": "occupied", "at": _AT, "seq": 17, "epoch": "b3", "battery": 0.93}]
    },
)
COUNTS = body_of(
    CountsMessage,
    CountReport,
    example={
        "counts": [{"zone": "B1", "capacity": 220, "free": 37, "entered": 1201, "left": 1018, "at": _AT, "seq": 9}]
    },
)
PASSAGES = body_of(
    PassageMessage,
    example={
        "id": "e1-000123",
        "lane": "E1",
        "direction": "entry",
        "vehicle": {"plate": "辽A12345", "color": "blue"},
        "class": "small",
        "at": _AT,
        "confidence": 0.98,
    },
)


class RefusedHere(BaseModel):
    """Why one event became no fact; `index` is its place in the body."""

    model_config = ConfigDict(frozen=True)

    index: int
    reason: Reason
    detail: str


class PushView(BaseModel):
    """What became of each event, committed when this is read."""

    model_config = ConfigDict(frozen=True)

    car_park: str
    received: int
    stored: int = Field(description="New, and the newest of its space, zone or lane.")
    duplicate: int = Field(description="Known already: a repeat changes nothing.")
    late: int = Field(description="New, kept in the history; something newer was known.")
    refused: tuple[RefusedHere, ...] = Field(description="Kept among the refused messages, to be replayed after a fix.")
    outcomes: tuple[EventOutcome, ...] = Field(description="One for each event, in the order of the body.")

    @classmethod
    def of(cls, car_park: str, pushed: Pushed) -> "PushView":
        outcomes = tuple(pushed.outcomes)
        return cls(
            car_park=car_park,
            received=len(outcomes),
            stored=outcomes.count("stored"),
            duplicate=outcomes.count("duplicate"),
            late=outcomes.count("late"),
            refused=tuple(
                RefusedHere(index=reject.index or 0, reason=reject.reason, detail=reject.detail)
                for reject in pushed.refused
            ),
            outcomes=outcomes,
        )


def _push(path: str, summary: str, takes: dict[str, Any]) -> Callable[[Method], Method]:
    return operation(
        post=path,
        summary=summary,
        tags=("ingest",),
        scopes=SCOPES,
        responses={200: PushView},
        problems=PROBLEMS,
        body_bytes_max=PAYLOAD_BYTES_MAX,
        takes=takes,
    )


class PushApi:
    """What car parks say, over HTTP. Bodies are read as the MQTT messages of the same name are."""

    def __init__(self, db: Database, handlers: Handlers) -> None:
        self._db = db
        self._handlers = handlers
        self._car_parks = KeptCarParks()

    @_push("/v1/ingest/spaces", "Report states of spaces", SPACES)
    async def spaces(self, caller: Caller, signed: SignedRequest, car_park: CarPark) -> PushView:
        """As on the MQTT topic `spaces`. Answered after the commit, event by event; sign as `X-Signature` says."""
        return await self._record(caller, signed, car_park, "spaces")

    @_push("/v1/ingest/counts", "Report counts of zones or of the whole car park", COUNTS)
    async def counts(self, caller: Caller, signed: SignedRequest, car_park: CarPark) -> PushView:
        """As on the MQTT topic `counts`. Answered after the commit, event by event; sign as `X-Signature` says."""
        return await self._record(caller, signed, car_park, "counts")

    @_push("/v1/ingest/passages", "Report a vehicle that went through a lane", PASSAGES)
    async def passages(self, caller: Caller, signed: SignedRequest, car_park: CarPark) -> PushView:
        """As on the MQTT topic `passages`. Answered after the commit; sign as `X-Signature` says."""
        return await self._record(caller, signed, car_park, "passages")

    async def _record(self, caller: Caller, signed: SignedRequest, car_park: str, kind: PushKind) -> PushView:
        async with self._db.transaction() as tx:
            pushed = await record_push(
                tx, self._handlers, self._car_parks, caller, signed=signed, car_park=car_park, kind=kind
            )
        malformed = pushed.malformed
        if malformed is not None:
            raise NotAMessage(malformed.detail, reason=malformed.reason, events_max=EVENTS_MAX)
        return PushView.of(car_park, pushed)
