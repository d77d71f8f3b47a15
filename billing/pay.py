"""Pay now: one payment for one charge or several, with a code or an address that the driver opens.

The row comes first, with everything that is asked of the channel; the job `billing.send` asks it after the commit, and
again under the same number as often as it takes. Where the channel's answer can be worked out without it, it stands in
the row at once.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec
from msgspec import Struct

from billing.channels.protocol import NowOrder, PaymentChannel
from billing.charge_lifecycle import PAYABLE
from billing.charge_lifecycle import State as ChargeState
from billing.errors import NotPayable, UnknownCharge
from billing.payment_lifecycle import PAY_WITHIN
from billing.sql import charges as charges_sql
from billing.sql import payments as sql
from kernel.db import Row, Tx
from kernel.ids import new_id
from kernel.jobs import enqueue

JOB: Final = "billing.send"


class Payer(Struct, frozen=True, kw_only=True):
    """Who pays: a driver, and the vehicle or ticket that he names where the charge is another driver's. None: nobody in
    particular, for a code that is shown at a barrier.
    """

    driver: str | None = None
    plate: str | None = None
    color: str | None = None
    ticket: str | None = None

    def may_pay(self, charge: Row) -> bool:
        """His own, nobody's, or of the vehicle or ticket that he names: whoever knows its id was told it."""
        if self.driver is None or charge["driver"] in (None, self.driver):
            return True
        if self.plate is not None:
            return (charge["plate"], charge["color"]) == (self.plate, self.color)
        return self.ticket is not None and charge["ticket"] == self.ticket


async def pay_now(tx: Tx, wanted: Sequence[str], payer: Payer, channel: PaymentChannel) -> Row:
    """The payment's row. One that is under way for just these charges, by the same way, is given again.

    Raises UnknownCharge, NotPayable.
    """
    numbers = sorted(set(wanted))
    rows = await charges_sql.lock(tx, numbers)
    mine = [row for row in rows if payer.may_pay(row) or await _is_agreed(tx, payer, row)]
    for number in numbers:
        if number not in {row["id"] for row in mine}:
            raise UnknownCharge(charge=number)
    for row in mine:
        _check_payable(row, tx.now)
    parts = [(row["id"], charges_sql.charge_of(row).open) for row in mine]
    same = await _under_way(tx, parts, payer, channel)
    return same if same is not None else await _asked(tx, mine, parts, payer, channel)


def _check_payable(row: Row, now: datetime) -> None:
    """Raises NotPayable."""
    state = ChargeState(row["state"])
    if state is ChargeState.ACCEPTED:
        raise NotPayable(
            f"{row['channel']} is collecting {row['id']}: wait for it, nothing has to be done", charge=row["id"]
        )
    if state not in PAYABLE or charges_sql.charge_of(row).open <= 0:
        raise NotPayable(f"{row['id']} is {state}: nothing of it is open", charge=row["id"])
    if state is ChargeState.QUOTED and row["good_until"] is not None and row["good_until"] <= now:
        raise NotPayable(f"the price in {row['id']} was good until then: ask for a new one", charge=row["id"])


async def _is_agreed(tx: Tx, payer: Payer, row: Row) -> bool:
    """The vehicle is the driver's by an agreement."""
    if payer.driver is None or row["plate"] is None:
        return False
    return await sql.has_agreement(tx, payer.driver, row["plate"], row["color"])


async def _under_way(tx: Tx, parts: Sequence[tuple[str, int]], payer: Payer, channel: PaymentChannel) -> Row | None:
    wanted, amount = [charge for charge, _ in parts], sum(part for _, part in parts)
    for row in await sql.under_way(tx, wanted):
        is_same = (row["way"], row["channel"], row["driver"]) == ("now", channel.name, payer.driver)
        is_good = row["expires_at"] is not None and row["expires_at"] > tx.now
        if is_same and is_good and row["amount"] == amount and list(row["charges"]) == wanted:
            return row
    return None


async def _asked(
    tx: Tx, rows: Sequence[Row], parts: Sequence[tuple[str, int]], payer: Payer, channel: PaymentChannel
) -> Row:
    payment = new_id("pay", tx.now)
    quotes = [row["good_until"] for row in rows if row["state"] == ChargeState.QUOTED and row["good_until"]]
    order = NowOrder(
        out_trade_no=number_of(payment),
        amount=sum(part for _, part in parts),
        description=description_of(rows),
        expires_at=min([tx.now + PAY_WITHIN, *quotes]),
    )
    action = channel.action_of(order)
    of_one = len({(row["plate"], row["color"]) for row in rows}) == 1
    row = await sql.insert(
        tx,
        payment,
        way="now",
        driver=payer.driver,
        plate=rows[0]["plate"] if of_one else None,
        color=rows[0]["color"] if of_one else None,
        channel=channel.name,
        out_trade_no=order.out_trade_no,
        parts=parts,
        ordered=msgspec.to_builtins(order),
        action=None if action is None else msgspec.to_builtins(action),
        expires_at=order.expires_at,
    )
    await enqueue(tx, JOB, payment.encode())
    return row


def number_of(payment: str) -> str:
    """The number under which the channel knows it: 32 letters and digits, never used again."""
    return payment.removeprefix("pay_")


def description_of(rows: Sequence[Row]) -> str:
    """As it stands in the channel's list of payments."""
    vehicle = rows[0]["plate"] or rows[0]["ticket"]
    return f"停车费 {vehicle}" if len(rows) == 1 else f"停车费 {vehicle} {len(rows)} 笔"
