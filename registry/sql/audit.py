"""Statements on the audit trail and on the revision that tells copies to read again."""

from collections.abc import Mapping, Sequence
from typing import Any

from kernel.db import Row, Tx

RECORD = """
INSERT INTO registry.audit (at, actor, operator, action, subject, detail) VALUES ($1, $2, $3, $4, $5, $6)
"""

PAGE = """
SELECT number, at, actor, operator, action, subject, detail
FROM registry.audit
WHERE ($1::text[] IS NULL OR operator = ANY ($1)) AND ($2::text IS NULL OR subject = $2) AND number < $3
ORDER BY number DESC LIMIT $4
"""

BUMP = "UPDATE registry.revision SET value = value + 1"


async def record(
    tx: Tx, *, actor: str, operator: str | None, action: str, subject: str, detail: Mapping[str, Any] | None = None
) -> None:
    """Who did what to what; `subject` is `car-park/sy-heping-017`."""
    await tx.execute(RECORD, tx.now, actor, operator, action, subject, dict(detail or {}))


async def page_of_audit(
    tx: Tx, operators: Sequence[str] | None, *, subject: str | None, before: int, limit: int
) -> list[Row]:
    """The trail, newest first."""
    return await tx.fetch(PAGE, None if operators is None else list(operators), subject, before, limit)


async def bump_revision(tx: Tx) -> None:
    """Tell every copy to read again once this commits. The row stays locked: the last statement of a write."""
    await tx.execute(BUMP)
