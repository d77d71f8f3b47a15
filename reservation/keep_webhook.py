"""Operators say where they want to hear of promises; a secret is shown when it is made, and never again."""

import secrets
from typing import Final

from contracts.audit import RecordAudit
from kernel.callers import Caller
from kernel.db import Row, Tx
from kernel.edge_problems import MalformedBody
from reservation.errors import TooManyWebhooks, UnknownOperator, UnknownWebhook, WebhookTaken
from reservation.sql import webhooks as sql
from reservation.webhook import FORMER_SECRET_FOR, Kind, shown

WEBHOOKS_MAX: Final = 20
"""Of an operator: each event is told to each."""
SECRET_BYTES: Final = 32
"""As much as the hash that it keys."""


async def keep_webhook(
    tx: Tx,
    caller: Caller,
    webhook: str,
    *,
    operator: str | None,
    url: str,
    events: frozenset[Kind],
    enabled: bool,
    record_audit: RecordAudit,
) -> tuple[Row, str | None]:
    """The row, and the secret of a new one. Raises WebhookTaken, UnknownOperator, TooManyWebhooks, MalformedBody."""
    own = await sql.own(tx, webhook, caller)
    kinds = sorted(events)
    if own is not None:
        if operator not in (None, own["operator"]):
            raise MalformedBody.of("operator", f"it is {own['operator']}'s: remove it and make another", operator)
        row, secret = await sql.change(tx, webhook, url=url, events=kinds, enabled=enabled), None
    else:
        operator = await _operator(tx, caller, operator)
        if await sql.count(tx, operator) >= WEBHOOKS_MAX:
            raise TooManyWebhooks(f"{WEBHOOKS_MAX} are the most", operator=operator, limit=WEBHOOKS_MAX)
        secret = secrets.token_bytes(SECRET_BYTES)
        made = await sql.add(tx, webhook, operator=operator, url=url, events=kinds, enabled=enabled, secret=secret)
        if made is None:
            raise WebhookTaken(webhook=webhook)
        row = made
    await record_audit(
        tx,
        actor=caller.principal,
        operator=row["operator"],
        action="webhook.register" if own is None else "webhook.change",
        subject=f"webhook/{webhook}",
        detail={"url": url, "events": kinds, "enabled": enabled},
    )
    return row, None if secret is None else shown(secret)


async def renew_secret(tx: Tx, caller: Caller, webhook: str, record_audit: RecordAudit) -> tuple[Row, str]:
    """The new secret; the one before signs beside it for a day. Raises UnknownWebhook."""
    own = await sql.own(tx, webhook, caller)
    if own is None:
        raise UnknownWebhook(webhook=webhook)
    secret = secrets.token_bytes(SECRET_BYTES)
    row = await sql.renew(tx, webhook, secret, tx.now + FORMER_SECRET_FOR)
    await record_audit(
        tx,
        actor=caller.principal,
        operator=own["operator"],
        action="webhook.renew_secret",
        subject=f"webhook/{webhook}",
        detail={},
    )
    return row, shown(secret)


async def remove_webhook(tx: Tx, caller: Caller, webhook: str, record_audit: RecordAudit) -> None:
    """With what it was still to be told. Raises UnknownWebhook."""
    own = await sql.own(tx, webhook, caller)
    if own is None:
        raise UnknownWebhook(webhook=webhook)
    await sql.remove(tx, webhook)
    await record_audit(
        tx,
        actor=caller.principal,
        operator=own["operator"],
        action="webhook.remove",
        subject=f"webhook/{webhook}",
        detail={"url": own["url"]},
    )


async def _operator(tx: Tx, caller: Caller, operator: str | None) -> str:
    """Whose it becomes. Raises UnknownOperator, MalformedBody."""
    covered = caller.covered
    if operator is None:
        if covered is None or len(covered) != 1:
            raise MalformedBody.of("operator", "is required with credentials that cover several operators")
        operator = covered[0]
    if not caller.may_manage(operator) or not await sql.has_operator(tx, operator):
        raise UnknownOperator(operator=operator)
    return operator
