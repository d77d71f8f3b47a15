"""What the sandbox keeps: orders and refunds, with the moment at which each will have ended, and how."""

from datetime import datetime, timedelta
from typing import Any, Final

from billing.channels.protocol import ChannelRefused, Plate, RefundOrder, Standing
from kernel.db import Row, Tx
from kernel.ids import new_id

ORDER: Final = "SELECT * FROM billing.sandbox_order WHERE out_trade_no = $1"
LOCK: Final = f"{ORDER} FOR UPDATE"
PLACE: Final = """
INSERT INTO billing.sandbox_order (out_trade_no, transaction, asked, pays_later, amount, plate, color, created_at,
    expires_at, ends_at, ends_as, is_advanced, repaid_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12::timestamptz IS NOT NULL, $12)
ON CONFLICT DO NOTHING
"""
END: Final = """
UPDATE billing.sandbox_order SET ends_at = $2, ends_as = $3
WHERE out_trade_no = $1 AND ends_at IS NULL AND NOT pays_later AND ($3 = 'closed' OR expires_at > $2)
"""
REFUND: Final = "SELECT * FROM billing.sandbox_refund WHERE out_refund_no = $1"
GIVEN_BACK: Final = "SELECT coalesce(sum(amount), 0)::bigint FROM billing.sandbox_refund WHERE out_trade_no = $1"
GIVE_BACK: Final = """
INSERT INTO billing.sandbox_refund (out_refund_no, out_trade_no, transaction, amount, ends_at)
VALUES ($1, $2, $3, $4, $5)
"""
DURING: Final = """
SELECT out_trade_no, transaction, amount, NULL AS out_refund_no, ends_at FROM billing.sandbox_order
WHERE ends_as = 'succeeded' AND ends_at >= $1 AND ends_at < $2
UNION ALL
SELECT out_trade_no, transaction, amount, out_refund_no, ends_at FROM billing.sandbox_refund
WHERE ends_at >= $1 AND ends_at < $2
ORDER BY ends_at, out_trade_no
"""
TO_TELL: Final = """
-- Whatever ended is told twice; what was advanced once more, when it is paid back.
UPDATE billing.sandbox_order SET told = told + 1
WHERE out_trade_no IN (
    SELECT out_trade_no FROM billing.sandbox_order
    WHERE told < CASE WHEN is_advanced THEN 3 ELSE 2 END AND ends_as <> 'closed'
        AND ends_at <= $1 AND (told < 2 OR repaid_at <= $1)
    ORDER BY ends_at LIMIT $2 FOR UPDATE SKIP LOCKED)
RETURNING *
"""
FORGET: Final = """
WITH old AS (
    SELECT out_trade_no FROM billing.sandbox_order WHERE created_at < $1 ORDER BY created_at LIMIT $2
), refunds AS (
    DELETE FROM billing.sandbox_refund WHERE out_trade_no IN (SELECT out_trade_no FROM old)
)
DELETE FROM billing.sandbox_order WHERE out_trade_no IN (SELECT out_trade_no FROM old)
"""


class Book:
    """Within one transaction."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    async def order(self, out_trade_no: str) -> Row | None:
        return await self._tx.fetchrow(ORDER, out_trade_no)

    async def place(
        self,
        out_trade_no: str,
        asked: dict[str, Any],
        *,
        amount: int,
        plate: Plate | None = None,
        expires_at: datetime | None = None,
        ends_at: datetime | None = None,
        ends_as: Standing | None = None,
        repaid_at: datetime | None = None,
    ) -> Row:
        """The order of this number. Raises ChannelRefused when that is another one."""
        tx = self._tx
        vehicle = (None, None) if plate is None else (plate.number, plate.color)
        ends = (ends_at, ends_as, repaid_at)
        values = (asked, ends_at is not None, amount, *vehicle, tx.now, expires_at, *ends)
        await tx.execute(PLACE, out_trade_no, new_id("sbx", tx.now), *values)
        row = await self.order(out_trade_no)
        if row is None or row["asked"] != asked:
            raise ChannelRefused("NUMBER_TAKEN", "another order has this number")
        return row

    async def end(self, out_trade_no: str, standing: Standing) -> bool:
        """Paid, or closed; False when it has ended, or is not one to be paid now."""
        return await self._tx.execute(END, out_trade_no, self._tx.now, standing) > 0

    async def refund(self, out_refund_no: str) -> Row | None:
        return await self._tx.fetchrow(REFUND, out_refund_no)

    async def give_back(self, order: RefundOrder, *, ends_at: datetime) -> Row:
        """The refund of this number. Raises ChannelRefused for more than is left of the order."""
        tx = self._tx
        paid = await tx.fetchrow(LOCK, order.out_trade_no)
        row = await self.refund(order.out_refund_no)
        if row is None:
            given = await tx.fetchval(GIVEN_BACK, order.out_trade_no)
            is_paid = paid is not None and paid["ends_as"] == "succeeded" and paid["ends_at"] <= tx.now
            if paid is None or not is_paid or given + order.amount > paid["amount"]:
                raise ChannelRefused("NOT_ENOUGH", "so much was not paid")
            number = (order.out_refund_no, order.out_trade_no, new_id("sbr", tx.now))
            await tx.execute(GIVE_BACK, *number, order.amount, ends_at)
            row = await self.refund(order.out_refund_no)
        if row is None or row["amount"] != order.amount or row["out_trade_no"] != order.out_trade_no:
            raise ChannelRefused("NUMBER_TAKEN", "another refund has this number")
        return row

    async def during(self, begins: datetime, until: datetime) -> list[Row]:
        """What a bill has to say."""
        return await self._tx.fetch(DURING, begins, until)

    async def to_tell(self, limit: int) -> list[Row]:
        """Orders that have something to tell; each is told once more for having been asked."""
        return await self._tx.fetch(TO_TELL, self._tx.now, limit)

    async def forget(self, kept_for: timedelta, limit: int) -> int:
        """Orders that are older, with their refunds."""
        return await self._tx.execute(FORGET, self._tx.now - kept_for, limit)
