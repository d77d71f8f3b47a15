"""`/v1/operator/rejected`: what was refused and why, and again after a fix; a car park's books."""

import base64
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from contracts.audit import RecordAudit
from contracts.ids import CarParkId
from gateway import sql
from gateway.errors import AlreadyReplayed, PayloadNotKept, UnknownCarPark, UnknownRejected
from gateway.record import Handlers
from gateway.refusals import Reason
from gateway.replay import Replayed, replay_dead_letter
from kernel.callers import Caller
from kernel.db import Database, Row, Tx
from kernel.http import OPERATE, Cursor, InvalidParameter, Page, decode_cursor, encode_cursor, operation

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CURSOR_MICROSECONDS_MAX = 7_258_118_400_000_000
"""The year 2200: no list of ours reaches further."""

Limit = Annotated[int, Field(ge=1, le=100, description="Items on a page; each holds up to 64 KiB of payload.")]
PathCarPark = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,64}$")]
PathRejected = Annotated[str, StringConstraints(pattern=r"^dl_[0-9a-f]{32}$")]


class RejectedView(BaseModel):
    """A refused message, or the refused events of one, as often as it came."""

    model_config = ConfigDict(frozen=True)

    id: str
    operator: str | None
    car_park: str | None
    topic: str
    reason: Reason
    detail: str
    payload: str = Field(description="As text when it is UTF-8, else in base64; see `payload_encoding`.")
    payload_encoding: Literal["text", "base64"]
    payload_bytes: int = Field(description="Its whole length; the first 65,536 bytes are kept.")
    sha256: str = Field(description="Of the payload as shown here, which holds the refused events only.")
    message_sha256: str = Field(description="Of the whole message as it last came; what `errors` told.")
    events: int = Field(description="How many events in it were refused.")
    codec: str = Field(description="The version of the decoder that refused it.")
    first_seen_at: datetime
    last_seen_at: datetime
    count: int = Field(description="How often the same was refused.")
    replayed_at: datetime | None

    @classmethod
    def of(cls, row: Row) -> "RejectedView":
        payload: bytes = row["payload"]
        try:
            text, encoding = payload.decode(), "text"
        except UnicodeDecodeError:
            text, encoding = base64.b64encode(payload).decode(), "base64"
        return cls.model_validate({**row, "payload": text, "payload_encoding": encoding})


class RefusedEvent(BaseModel):
    """One event that is still refused; `index` is its place in the kept message, null for the message as a whole."""

    model_config = ConfigDict(frozen=True)

    reason: Reason
    detail: str
    index: int | None


class ReplayView(BaseModel):
    """What became of the events of a replayed message."""

    model_config = ConfigDict(frozen=True)

    id: str
    outcome: Literal["recorded", "partly_recorded", "refused"]
    stored: int
    duplicate: int
    late: int
    refused: tuple[RefusedEvent, ...] = Field(description="The first 100 of them.")

    @classmethod
    def of(cls, letter_id: str, replayed: Replayed) -> "ReplayView":
        recorded = replayed.stored + replayed.duplicate + replayed.late
        outcome = "recorded" if not replayed.refused else "partly_recorded" if recorded else "refused"
        still = [
            RefusedEvent(reason=reject.reason, detail=reject.detail, index=reject.index)
            for reject in replayed.refused[:100]
        ]
        return cls(
            id=letter_id,
            outcome=outcome,
            stored=replayed.stored,
            duplicate=replayed.duplicate,
            late=replayed.late,
            refused=tuple(still),
        )


class IngestTally(BaseModel):
    """A car park's books since its first message: `received = stored + duplicate + late + dead`."""

    model_config = ConfigDict(frozen=True)

    received: int
    stored: int
    duplicate: int
    late: int
    dead: int
    last_received_at: datetime | None


class RejectedApi:
    """What devices sent and we did not take."""

    def __init__(self, db: Database, handlers: Handlers, record_audit: RecordAudit) -> None:
        self._db = db
        self._handlers = handlers
        self._record_audit = record_audit

    @operation(
        get="/v1/operator/rejected",
        summary="Messages that were refused",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: Page[RejectedView]},
    )
    async def list(
        self,
        caller: Caller,
        *,
        operator: PathCarPark | None = None,
        car_park: PathCarPark | None = None,
        reason: Reason | None = None,
        replayed: Annotated[bool, Field(description="Also those that were replayed.")] = False,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[RejectedView]:
        """Newest first. What a device sends before it is registered is shown to its operator as soon as it is; on other
        topics that name no operator, only to keys that cover every operator.
        """
        operators = caller.covered
        if operator is not None:
            operators = [operator] if caller.may_manage(operator) else []
        async with self._db.transaction(readonly=True) as tx:
            rows = await sql.page_of_dead_letters(
                tx,
                operators=operators,
                car_park=car_park,
                reason=reason,
                replayed=replayed,
                before=_before(cursor),
                limit=limit + 1,
            )
        shown = rows[:limit]
        more = len(rows) > limit
        following = _cursor(shown[-1]) if more else None
        return Page(items=[RejectedView.of(row) for row in shown], next=following)

    @operation(
        post="/v1/operator/rejected/{rejected}/replay",
        summary="Try a refused message again",
        tags=("operator",),
        scopes=OPERATE,
        idempotent=True,
        responses={200: ReplayView},
        problems=(UnknownRejected, AlreadyReplayed, PayloadNotKept),
    )
    async def replay(self, tx: Tx, caller: Caller, rejected: PathRejected) -> ReplayView:
        """After the cause is mended. What is good now is recorded; what is still refused stays, and says why."""
        replayed = await replay_dead_letter(tx, self._handlers, rejected, caller.covered)
        view = ReplayView.of(rejected, replayed)
        still = dict(Counter(reject.reason.value for reject in replayed.refused))
        await self._record_audit(
            tx,
            actor=caller.principal,
            operator=replayed.operator,
            action="rejected.replay",
            subject=f"rejected/{rejected}",
            detail={"topic": replayed.topic, **view.model_dump(exclude={"id", "refused"}), "refused": still},
        )
        return view

    @operation(
        get="/v1/operator/car-parks/{car_park}/ingest",
        summary="A car park's books",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: IngestTally},
        problems=(UnknownCarPark,),
    )
    async def ingest(self, caller: Caller, car_park: PathCarPark) -> IngestTally:
        """How many events came and what became of them."""
        async with self._db.transaction(readonly=True) as tx:
            row = await sql.tally_of(tx, CarParkId(car_park), caller.covered)
        if row is None:
            raise UnknownCarPark(car_park=car_park)
        sums = {name: row[name] or 0 for name in ("received", "stored", "duplicate", "late", "dead")}
        return IngestTally(**sums, last_received_at=row["last_received_at"])


def _before(cursor: str | None) -> tuple[datetime, str] | None:
    if cursor is None:
        return None
    microseconds, letter_id = decode_cursor(cursor, int, str)
    if not 0 <= microseconds < CURSOR_MICROSECONDS_MAX:
        raise InvalidParameter.of("query", "cursor", "not a cursor of this list")
    return _EPOCH + timedelta(microseconds=microseconds), letter_id


def _cursor(row: Row) -> str:
    return encode_cursor((row["last_seen_at"] - _EPOCH) // timedelta(microseconds=1), row["id"])
