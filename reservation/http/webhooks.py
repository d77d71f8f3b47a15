"""`/v1/operator/webhooks`: where operators' systems hear of promises, and what they were told."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from contracts.audit import RecordAudit
from contracts.ids import Slug
from kernel.db import Database, Row, Tx
from kernel.edge_problems import MalformedBody
from kernel.http import (
    LIMIT_DEFAULT,
    OPERATE,
    Caller,
    Created,
    Cursor,
    Limit,
    NoContent,
    Page,
    after_id,
    decode_cursor,
    operation,
    page_by,
)
from kernel.moments import Moment
from reservation.errors import (
    TooManyWebhooks,
    UnknownDelivery,
    UnknownOperator,
    UnknownWebhook,
    WebhookTaken,
    WrongState,
)
from reservation.keep_webhook import keep_webhook, remove_webhook, renew_secret
from reservation.outside import AddressRefused, Outside
from reservation.relay import enqueue_turn
from reservation.sql import webhooks as sql
from reservation.webhook import TRIED_FOR, Kind

PathDelivery = Annotated[str, StringConstraints(pattern=r"^whd_[0-9a-f]{32}$")]
DeliveryState = Literal["waiting", "delivered", "dead"]


class WebhookIn(BaseModel):
    """Where to tell it, and what."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    operator: Slug | None = Field(default=None, description="May be left out with a key of a single operator.")
    url: Annotated[str, StringConstraints(min_length=8, max_length=2048)] = Field(
        description="https, of the public internet.", examples=["https://example.com/berth"]
    )
    events: frozenset[Kind] = Field(default=frozenset(), description="Only these; none: all, also those to come.")
    enabled: bool = True


class WebhookView(BaseModel):
    """A webhook. `failures` is how many attempts have failed in a row; nothing is tried before `quiet_until` then."""

    model_config = ConfigDict(frozen=True)

    id: str
    operator: str
    url: str
    events: list[str]
    enabled: bool
    failures: int
    quiet_until: Moment | None
    former_secret_until: Moment | None = Field(description="Until then a replaced secret signs too.")
    created_at: Moment
    updated_at: Moment

    @classmethod
    def of(cls, row: Row) -> Self:
        return cls(**_members(row))


class WebhookMade(WebhookView):
    """With its secret, which is not shown again."""

    secret: str = Field(description="`whsec_` and the key in base64: see docs/webhooks.md.")


class DeliveryView(BaseModel):
    """What a webhook was told, or is still to be told. `status` is that of the last answer, `error` why it failed."""

    model_config = ConfigDict(frozen=True)

    id: str
    webhook: str
    event: int
    kind: str
    state: DeliveryState
    attempts: int
    next_at: Moment | None
    status: int | None
    error: str | None
    created_at: Moment
    ended_at: Moment | None

    @classmethod
    def of(cls, row: Row) -> Self:
        return cls(**{name: row[name] for name in cls.model_fields})


class WebhooksApi:
    """What operators set up and see; every write is audited."""

    def __init__(self, db: Database, record_audit: RecordAudit, outside: Outside) -> None:
        self._db = db
        self._record_audit = record_audit
        self._outside = outside

    @operation(
        get="/v1/operator/webhooks",
        summary="My webhooks",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: Page[WebhookView]},
    )
    async def list(self, caller: Caller, limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None) -> Page[WebhookView]:
        """By id; never a secret."""
        async with self._db.transaction(readonly=True) as tx:
            rows = await sql.page(tx, caller, after=after_id(cursor), limit=limit + 1)
        return page_by("id", rows, limit, WebhookView.of)

    @operation(
        get="/v1/operator/webhooks/{webhook}",
        summary="One webhook",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: WebhookView},
        problems=(UnknownWebhook,),
    )
    async def one(self, caller: Caller, webhook: Slug) -> WebhookView:
        """As it is now."""
        async with self._db.transaction(readonly=True) as tx:
            return WebhookView.of(await self._own(tx, caller, webhook))

    @operation(
        put="/v1/operator/webhooks/{webhook}",
        summary="Set up a webhook",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: WebhookView, 201: WebhookMade},
        problems=(WebhookTaken, UnknownOperator, TooManyWebhooks),
    )
    async def put(self, caller: Caller, webhook: Slug, wanted: WebhookIn) -> Created[WebhookMade] | WebhookView:
        """Every step of a promise at the operator's car parks is POSTed to `url`, signed. A new one is answered with
        its `secret`, once; a change ends the rest of a receiver that failed.
        """
        try:
            self._outside.check(wanted.url)
        except AddressRefused as refused:
            raise MalformedBody.of("url", str(refused), wanted.url) from refused
        async with self._db.transaction() as tx:
            row, secret = await keep_webhook(
                tx,
                caller,
                webhook,
                operator=wanted.operator,
                url=wanted.url,
                events=wanted.events,
                enabled=wanted.enabled,
                record_audit=self._record_audit,
            )
        if secret is None:
            return WebhookView.of(row)
        return Created(f"/v1/operator/webhooks/{webhook}", WebhookMade(**_members(row), secret=secret))

    @operation(
        delete="/v1/operator/webhooks/{webhook}",
        summary="Remove a webhook",
        tags=("operator",),
        scopes=OPERATE,
        responses={204: None},
        problems=(UnknownWebhook,),
    )
    async def delete(self, caller: Caller, webhook: Slug) -> NoContent:
        """What it was still to be told is forgotten."""
        async with self._db.transaction() as tx:
            await remove_webhook(tx, caller, webhook, self._record_audit)
        return NoContent()

    @operation(
        post="/v1/operator/webhooks/{webhook}/secret",
        summary="Replace a webhook's secret",
        tags=("operator",),
        scopes=OPERATE,
        idempotent=True,
        responses={200: WebhookMade},
        problems=(UnknownWebhook,),
    )
    async def renew(self, tx: Tx, caller: Caller, webhook: Slug) -> WebhookMade:
        """The new `secret` is shown in this answer only; for a day the former one signs beside it."""
        row, secret = await renew_secret(tx, caller, webhook, self._record_audit)
        return WebhookMade(**_members(row), secret=secret)

    @operation(
        get="/v1/operator/webhooks/{webhook}/deliveries",
        summary="What a webhook was told",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: Page[DeliveryView]},
        problems=(UnknownWebhook,),
    )
    async def deliveries(
        self,
        caller: Caller,
        webhook: Slug,
        *,
        state: DeliveryState | None = None,
        limit: Limit = LIMIT_DEFAULT,
        cursor: Cursor = None,
    ) -> Page[DeliveryView]:
        """Newest first; those that ended are kept for thirty days. `dead` ones were tried for a day in vain."""
        below: int | None = None if cursor is None else decode_cursor(cursor, int)[0]
        async with self._db.transaction(readonly=True) as tx:
            await self._own(tx, caller, webhook)
            rows = await sql.deliveries(tx, webhook, below=below, state=state, limit=limit + 1)
        return page_by("event", rows, limit, DeliveryView.of)

    @operation(
        post="/v1/operator/webhook-deliveries/{delivery}/replay",
        summary="Tell it again",
        tags=("operator",),
        scopes=OPERATE,
        idempotent=True,
        responses={200: DeliveryView},
        problems=(UnknownDelivery, WrongState),
    )
    async def replay(self, tx: Tx, caller: Caller, delivery: PathDelivery) -> DeliveryView:
        """One that is dead or was delivered, with the same `webhook-id` and body, for another day."""
        own = await sql.own_delivery(tx, delivery, caller)
        if own is None:
            raise UnknownDelivery(delivery=delivery)
        if own["state"] == "waiting":
            raise WrongState("it is being tried already", delivery=delivery)
        row = await sql.again(tx, delivery, tx.now + TRIED_FOR)
        await enqueue_turn(tx, delivery, row["turns"])
        await self._record_audit(
            tx,
            actor=caller.principal,
            operator=own["operator"],
            action="webhook.replay",
            subject=f"webhook/{own['webhook']}",
            detail={"delivery": delivery},
        )
        return DeliveryView.of(row)

    async def _own(self, tx: Tx, caller: Caller, webhook: str) -> Row:
        row = await sql.read(tx, webhook, caller)
        if row is None:
            raise UnknownWebhook(webhook=webhook)
        return row


def _members(row: Row) -> dict[str, object]:
    shared = {name: row[name] for name in WebhookView.model_fields if name != "former_secret_until"}
    return {**shared, "former_secret_until": row["former_until"]}
