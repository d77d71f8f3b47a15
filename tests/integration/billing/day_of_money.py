"""Charges of a day that were paid, given back and settled, without the talk with a channel: rows as it leaves them."""

import itertools
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from billing.channels.protocol import BillLine, LineKind
from billing.charges import NewCharge, pay_charge, raise_charge, refund_charge
from billing.refund_shares import refund_shares
from billing.settle_days import settle_days
from billing.sql import charges
from kernel.db import Database, Row, Tx

CITY = ZoneInfo("Asia/Shanghai")
OPERATORS = """
INSERT INTO registry.operator (id, name_zh, name_en, created_at) VALUES ('mira', '米拉停车', 'Mira Parking', now()),
    ('nord', '北方', 'Nord', now())
"""
PAYMENT = """
INSERT INTO billing.payment (id, way, plate, color, channel, out_trade_no, amount, state, ordered, transaction,
    succeeded_at, created_at, updated_at)
VALUES ($1, 'now', '辽A12345', 'blue', $2, $1, $3, $4, '{}', CASE $4 WHEN 'succeeded' THEN 't-' || $1 END,
    CASE $4 WHEN 'succeeded' THEN $5::timestamptz END, $5, $5)
"""
PART = "INSERT INTO billing.payment_charge (payment, charge, amount, paid) VALUES ($1, $2, $3, $4)"
REFUND = """
INSERT INTO billing.refund (id, payment, charge, out_refund_no, amount, state, reason, actor, created_at, updated_at)
VALUES ($1, $2, $3, $1, $4, $5, 'test', 'test', $6, $6)
"""


class Money:
    """Names are numbered: `chg-1` paid by `pay-1` with the channel's `t-pay-1`."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._numbers = itertools.count(1)

    async def lay_out(self) -> None:
        async with self.database.transaction() as tx:
            await tx.execute(OPERATORS)

    async def charge(self, tx: Tx, amount: int = 1_000, *, operator: str = "mira", **changes: Any) -> Row:
        """Of a promise, which needs no session."""
        wanted: dict[str, Any] = {
            "kind": "cancellation",
            "reservation": f"rsv_{next(self._numbers)}",
            "car_park": f"sy-{operator}-1",
            "operator": operator,
            "plate": "辽A12345",
            "color": "blue",
            "amount": amount,
            "lines": [],
            "begins": tx.now - timedelta(hours=1),
            "ends": tx.now,
            "due_at": tx.now,
            "platform_share_bp": 500,
        }
        return await raise_charge(tx, NewCharge(**{**wanted, **changes}))

    async def pay(self, tx: Tx, *rows: Row, channel: str = "wechat", at: datetime | None = None) -> str:
        """All of them, with one payment that succeeded `at` (now)."""
        payment = f"pay_{next(self._numbers)}"
        total = sum(row["amount"] for row in rows)
        await tx.execute(PAYMENT, payment, channel, total, "succeeded", at or tx.now)
        for row in rows:
            await tx.execute(PART, payment, row["id"], row["amount"], row["amount"])
            await pay_charge(tx, row, row["amount"], payment=payment, channel=channel)
        return payment

    async def ask(self, tx: Tx, row: Row, *, state: str = "sent", channel: str = "wechat") -> str:
        """A payment that we do not know to be paid."""
        payment = f"pay_{next(self._numbers)}"
        await tx.execute(PAYMENT, payment, channel, row["amount"], state, tx.now)
        await tx.execute(PART, payment, row["id"], row["amount"], 0)
        return payment

    async def paid(self, amount: int = 1_000, *, channel: str = "wechat", **changes: Any) -> tuple[str, str]:
        """A charge and its payment, in a transaction of their own."""
        async with self.database.transaction() as tx:
            row = await self.charge(tx, amount, **changes)
            return row["id"], await self.pay(tx, row, channel=channel)

    async def give_back(self, charge: str, payment: str, amount: int) -> str:
        """Some of what was paid."""
        async with self.database.transaction() as tx:
            refund = f"rfd_{next(self._numbers)}"
            (row,) = await charges.lock(tx, [charge])
            await tx.execute(REFUND, refund, payment, charge, amount, "succeeded", tx.now)
            shares = await refund_shares(tx, row, amount)
            channel = await tx.fetchval("SELECT channel FROM billing.payment WHERE id = $1", payment)
            await refund_charge(tx, row, amount, shares, refund=refund, channel=channel, actor="test")
        return refund

    async def settle(self) -> int:
        return await settle_days(self.database, CITY)

    async def settlements(self) -> dict[tuple[str, date], Row]:
        """With the sums of their figures."""
        async with self.database.transaction(readonly=True) as tx:
            rows = await tx.fetch(
                """SELECT settlement.*, sums.* FROM billing.settlement LEFT JOIN (
                    SELECT settlement AS of, sum(gross)::bigint AS gross, sum(refunded)::bigint AS refunded,
                        sum(owners)::bigint AS owners, sum(platform)::bigint AS platform, sum(fees)::bigint AS fees,
                        sum(losses)::bigint AS losses, sum(net)::bigint AS net
                    FROM billing.settlement_figure GROUP BY settlement) AS sums ON sums.of = settlement.id"""
            )
        return {(row["operator"], row["day"]): row for row in rows}

    async def balances(self) -> dict[str, int]:
        """Of every account that is not even, by its entries."""
        async with self.database.transaction(readonly=True) as tx:
            rows = await tx.fetch(
                """SELECT account.kind || ':' || account.holder AS name, sum(amount)::bigint AS total
                   FROM billing.account JOIN billing.entry ON entry.account = account.id GROUP BY account.id"""
            )
        return {row["name"]: row["total"] for row in rows if row["total"]}


def line(payment: str, amount: int, *, fee: int = 0, at: datetime, refund: str | None = None) -> BillLine:
    """Of a bill, about a payment or (`refund`) what went back of it."""
    return BillLine(
        kind=LineKind.PAYMENT if refund is None else LineKind.REFUND,
        out_trade_no=payment,
        transaction=f"t-{refund or payment}",
        amount=amount,
        fee=fee,
        at=at,
        out_refund_no=refund,
    )
