"""What a channel tells and cannot be right is set aside for a person, and moves nothing."""

import hashlib
from typing import Any, Final

import structlog

from billing.sql import callbacks as sql
from kernel.db import Tx

QUERY: Final = "query"
"""The kind of what was not told, but answered."""

log = structlog.get_logger(__name__)


async def quarantine(
    tx: Tx,
    channel: str,
    number: str | None,
    *,
    kind: str,
    told: dict[str, Any],
    reason: str,
    payment: str | None,
) -> bool:
    """False when the same was set aside before. `number` None: it has none, and goes by what it says."""
    if number is None:
        said = hashlib.sha256(repr(sorted(told.items())).encode()).hexdigest()[:32]
        number = f"{kind}-{said}"
    is_new = await sql.keep(
        tx, channel, number, kind=kind, outcome="quarantined", reason=reason, told=told, payment=payment
    )
    if is_new:
        log.warning("set aside", channel=channel, notification=number, reason=reason, payment=payment)
    return is_new
