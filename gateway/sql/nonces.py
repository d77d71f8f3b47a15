"""Statements on nonces: each is used once for as long as its request would be believed."""

from datetime import datetime

from kernel.db import Tx

USE = "INSERT INTO gateway.nonce (key, nonce, expires_at) VALUES ($1, $2, $3)"

# Some at a time: a short transaction, repeated.
FORGET = """
DELETE FROM gateway.nonce WHERE (key, nonce) IN (
    SELECT key, nonce FROM gateway.nonce WHERE expires_at < $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)
"""


async def use_nonce(tx: Tx, *, key_id: str, nonce: str, expires_at: datetime) -> None:
    """Violates `nonce_once` when it was used before; waits for a transaction that is using it."""
    await tx.execute(USE, key_id, nonce, expires_at)


async def forget_nonces(tx: Tx, *, expired_before: datetime, rows_max: int) -> int:
    """How many went."""
    return await tx.execute(FORGET, expired_before, rows_max)
