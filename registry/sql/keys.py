"""Statements on API keys."""

from collections.abc import Sequence
from datetime import datetime

from kernel.api_keys import StoredKey
from kernel.db import Row, Tx

FIND = """
SELECT id, operator, device, secret_sha256, scopes, expires_at, revoked_at FROM registry.api_key WHERE id = $1
"""

INSERT = """
INSERT INTO registry.api_key (id, operator, device, name, secret_sha256, scopes, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""

PAGE = """
SELECT id, operator, device, name, scopes, created_at, expires_at, revoked_at
FROM registry.api_key
WHERE ($1::text[] IS NULL OR operator = ANY ($1)) AND id > $2
ORDER BY id LIMIT $3
"""

FOR_UPDATE = """
SELECT id, operator, device, name, scopes, created_at, expires_at, revoked_at
FROM registry.api_key WHERE id = $1 AND ($2::text[] IS NULL OR operator = ANY ($2)) FOR UPDATE
"""
"""A key of every operator has none: it is covered by its like only."""

REVOKE = "UPDATE registry.api_key SET revoked_at = $2 WHERE id = $1 AND (revoked_at IS NULL OR revoked_at > $2)"

EXPIRE = "UPDATE registry.api_key SET expires_at = least(expires_at, $2) WHERE id = $1"


async def find_key(tx: Tx, key_id: str) -> StoredKey | None:
    """The key as the edge checks it."""
    row = await tx.fetchrow(FIND, key_id)
    if row is None:
        return None
    return StoredKey(
        id=row["id"],
        operator=row["operator"],
        device=row["device"],
        secret_sha256=row["secret_sha256"],
        scopes=frozenset(row["scopes"]),
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
    )


async def insert_key(tx: Tx, key: StoredKey, *, name: str) -> None:
    """Store a fresh key."""
    scopes = sorted(key.scopes)
    await tx.execute(INSERT, key.id, key.operator, key.device, name, key.secret_sha256, scopes, tx.now, key.expires_at)


async def page_of_keys(tx: Tx, operators: Sequence[str] | None, *, after: str, limit: int) -> list[Row]:
    """Keys in the order they were made; `operators` None = all."""
    return await tx.fetch(PAGE, None if operators is None else list(operators), after, limit)


async def lock_key(tx: Tx, key_id: str, operators: Sequence[str] | None) -> Row | None:
    """The row of a key of `operators`, locked until the transaction ends."""
    return await tx.fetchrow(FOR_UPDATE, key_id, operators)


async def revoke_key(tx: Tx, key_id: str, at: datetime) -> None:
    """The key stops working at `at`; an earlier revocation stays."""
    await tx.execute(REVOKE, key_id, at)


async def expire_key(tx: Tx, key_id: str, at: datetime) -> None:
    """The key works until `at` at the latest."""
    await tx.execute(EXPIRE, key_id, at)
