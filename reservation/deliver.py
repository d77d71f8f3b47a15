"""One attempt to tell a webhook what happened: read what is due, send it, write what came of it.

Three phases, so that no transaction waits for somebody else's machine: whoever dies after sending sends again, and the
receiver knows it by its `webhook-id`. A receiver that fails is left alone for a while, so that it takes nobody's turn.
"""

from datetime import timedelta

import aiohttp
import structlog

from kernel.db import Database, Row, Tx
from reservation.outside import AddressRefused, Outside
from reservation.relay import enqueue_turn
from reservation.sql import webhooks as sql
from reservation.time_meters import TimeMeters
from reservation.webhook import is_success, next_attempt, quiet_until, signed_headers

GONE = 410
"""The receiver wants to hear no more."""
SOFTWARE = "Berth"
APART_S = 1.0
"""Deliveries that waited for a receiver come at it one after the other, a little."""

log = structlog.get_logger(__name__)


class Deliver:
    """The job's handler."""

    def __init__(self, database: Database, outside: Outside, meters: TimeMeters) -> None:
        self._database = database
        self._outside = outside
        self._meters = meters

    async def handle(self, payload: bytes) -> None:
        """`payload` is `<delivery> <turn>`; does nothing when that turn was had."""
        delivery, _, turn = payload.decode().partition(" ")
        async with self._database.transaction() as tx:
            row = await sql.due(tx, delivery, int(turn))
            if row is None or await self._is_put_off(tx, row):
                return
            secrets = [secret for secret in (row["secret"], row["former_secret"]) if secret is not None]
            headers = signed_headers(delivery, tx.now, row["body"], secrets)
        headers |= {"Content-Type": "application/json", "User-Agent": SOFTWARE}
        status, error = await self._sent(row["url"], headers, row["body"])
        async with self._database.transaction() as tx:
            outcome = await self._write(tx, row, status, error)
        self._meters.attempted(outcome)

    async def _sent(self, url: str, headers: dict[str, str], body: bytes) -> tuple[int | None, str | None]:
        """Status and what went wrong, told to the operator: nothing of what the other side wrote."""
        try:
            status = await self._outside.post(url, headers, body)
        except AddressRefused as refused:
            return None, f"the url {refused}"
        except TimeoutError:
            return None, "no answer in time"
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return None, f"not reached: {type(error).__name__}"
        return status, None if is_success(status) else f"answered {status}"

    async def _is_put_off(self, tx: Tx, row: Row) -> bool:
        """Without an attempt: the webhook is switched off, or its receiver is left alone."""
        if not row["enabled"]:
            await sql.turn(
                tx, row, attempted=False, state="dead", next_at=None, status=None, error="the webhook is switched off"
            )
            return True
        quiet = row["quiet_until"]
        if quiet is None or quiet <= tx.now:
            return False
        if quiet >= row["give_up_at"]:
            await sql.turn(tx, row, attempted=False, state="dead", next_at=None, status=None, error=row["error"])
            self._meters.attempted("dead")
            return True
        await self._later(tx, row, quiet - tx.now, attempted=False, status=None, error=row["error"])
        self._meters.attempted("put_off")
        return True

    async def _write(self, tx: Tx, row: Row, status: int | None, error: str | None) -> str:
        hook = row["webhook"]
        if error is None:
            if await sql.turn(tx, row, attempted=True, state="delivered", next_at=None, status=status, error=None):
                await sql.succeeded(tx, hook)
            return "delivered"
        again_at = None if status == GONE else next_attempt(row["attempts"] + 1, tx.now, row["give_up_at"])
        if again_at is not None:
            written = await self._later(tx, row, again_at - tx.now, attempted=True, status=status, error=error)
        else:
            written = await sql.turn(tx, row, attempted=True, state="dead", next_at=None, status=status, error=error)
            log.warning("a webhook was not told", webhook=hook, delivery=row["id"], error=error)
        if written and status == GONE:
            await sql.disable(tx, hook)
        elif written:
            await sql.quiet(tx, hook, quiet_until(await sql.failed(tx, hook), tx.now))
        return "dead" if again_at is None else "failed"

    async def _later(
        self, tx: Tx, row: Row, after: timedelta, *, attempted: bool, status: int | None, error: str | None
    ) -> bool:
        written = await sql.turn(
            tx, row, attempted=attempted, state="waiting", next_at=tx.now + after, status=status, error=error
        )
        if written:
            await enqueue_turn(tx, row["id"], row["turns"] + 1, after=after)
        return written
