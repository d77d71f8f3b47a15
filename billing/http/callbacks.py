"""`/v1/callbacks/{channel}`: payment channels speak; and what of it was set aside, for operators."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Self

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from billing.channels.offered import Channels
from billing.errors import NoSuchChannel, UnknownNotification, WrongState
from billing.hear_callback import hear_callback
from billing.http.payments import ChannelName, Limit
from billing.settle_payment import OnPaid
from billing.sql import callbacks as sql
from billing.sql import payments
from contracts.audit import RecordAudit
from kernel.db import Database, Row, Tx
from kernel.http import OPERATE, Caller, Cursor, Page, Raw, decode_cursor, encode_cursor, operation
from kernel.json_body import read_body
from kernel.moments import Moment

BODY_BYTES_MAX = 64 * 1024
"""A notification has some 2 KB."""
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_LONGEST: Final = timedelta(days=365 * 200)
MICROSECOND: Final = timedelta(microseconds=1)
Outcomes = Annotated[
    list[Annotated[str, StringConstraints(pattern=r"^(taken|known|quarantined|resolved)$")]],
    Field(description="Only these."),
]
Answer = Annotated[
    str,
    StringConstraints(min_length=1, max_length=500, strip_whitespace=True, pattern=r"^[^\x00-\x1f\x7f]*$"),
    Field(description="What was found out about it."),
]


class CallbackView(BaseModel):
    """What a channel told. `told` is what it said, decrypted; `payment` is the one of ours that it named."""

    model_config = ConfigDict(frozen=True)

    channel: str
    id: str
    kind: str
    outcome: str
    reason: str | None
    payment: str | None
    told: dict[str, Any]
    received_at: Moment
    answer: str | None
    resolved_at: Moment | None

    @classmethod
    def of(cls, row: Row) -> Self:
        return cls(**{name: row[name] for name in cls.model_fields})


class ResolveIn(BaseModel):
    """That somebody has looked into it. `ask`: the channel is asked at once how its payment stands."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    answer: Answer
    ask: bool = True


class CallbacksApi:
    """For channels, and for whoever looks after what they could not have meant."""

    def __init__(self, db: Database, channels: Channels, on_paid: OnPaid, record_audit: RecordAudit) -> None:
        self._db = db
        self._channels = channels
        self._on_paid = on_paid
        self._record_audit = record_audit

    @operation(
        post="/v1/callbacks/{channel}",
        summary="A payment channel speaks",
        tags=("payments",),
        responses={200: "application/json"},
        problems=(NoSuchChannel,),
        body_bytes_max=BODY_BYTES_MAX,
        takes={"application/json": {}, "application/x-www-form-urlencoded": {}},
        for_devices=True,
    )
    async def hear(self, request: web.Request, channel: ChannelName) -> Raw:
        """Signed as the channel signs; what is not is answered in its own way, and changes nothing. The same
        notification may come as often as it likes.
        """
        known = self._channels.known(channel)
        if known is None:
            raise NoSuchChannel(channel=channel)
        body = await read_body(request, BODY_BYTES_MAX)
        reply = await hear_callback(self._db, known, request.headers, body, self._on_paid)
        return Raw(reply.body, reply.content_type, status=reply.status)

    @operation(
        get="/v1/operator/callbacks",
        summary="What payment channels told",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: Page[CallbackView]},
    )
    async def list(
        self,
        caller: Caller,
        *,
        outcome: Outcomes = ["quarantined"],  # noqa: B006 - never changed
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[CallbackView]:
        """Newest first; those that were set aside, unless `outcome` says otherwise. What names no payment of ours is
        shown to credentials that cover every operator.
        """
        below = None
        if cursor is not None:
            microseconds, channel, number = decode_cursor(cursor, int, str, str)
            below = (_EPOCH + min(timedelta(microseconds=max(0, microseconds)), _LONGEST), channel, number)
        async with self._db.transaction(readonly=True) as tx:
            rows = await sql.page(tx, outcomes=[*outcome] or None, covered=caller.covered, below=below, limit=limit + 1)
        shown, following = rows[:limit], None
        if len(rows) > limit:
            last = shown[-1]
            following = encode_cursor((last["received_at"] - _EPOCH) // MICROSECOND, last["channel"], last["id"])
        return Page(items=[CallbackView.of(row) for row in shown], next=following)

    @operation(
        post="/v1/operator/callbacks/{channel}/{notification}/resolve",
        summary="Settle what was set aside",
        tags=("operator",),
        scopes=OPERATE,
        idempotent=True,
        responses={200: CallbackView},
        problems=(UnknownNotification, WrongState),
    )
    async def resolve(
        self, tx: Tx, caller: Caller, channel: ChannelName, notification: str, wanted: ResolveIn
    ) -> CallbackView:
        """It moves no money by itself: whatever the channel's truth is, its answer to a question brings it."""
        row = await sql.own(tx, channel, notification[:200], caller.covered)
        if row is None:
            raise UnknownNotification(notification=notification[:200])
        if row["outcome"] != "quarantined":
            raise WrongState(f"it is {row['outcome']}, and not set aside", state=row["outcome"])
        if wanted.ask and row["payment"] is not None:
            await payments.ask_now(tx, row["payment"])
        resolved = await sql.resolve(tx, channel, row["id"], answer=wanted.answer, actor=caller.principal)
        await self._record_audit(
            tx,
            actor=caller.principal,
            operator=None,
            action="callback.resolve",
            subject=f"callback/{channel}/{row['id']}",
            detail={"answer": wanted.answer, "payment": row["payment"]},
        )
        return CallbackView.of(resolved)
