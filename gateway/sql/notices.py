"""The statement that tells other processes, with the commit."""

from kernel.db import Tx

NOTIFY = "SELECT pg_notify($1, $2)"


async def notify(tx: Tx, channel: str, payload: str) -> None:
    """Whoever listens on `channel` hears `payload` (under 8,000 bytes) once `tx` is committed."""
    await tx.execute(NOTIFY, channel, payload)
