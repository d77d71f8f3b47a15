"""Pay later: a charge goes to the payment channel with which its vehicle has an agreement.

Never in the exit's transaction: the barrier has opened by then. The payment's row comes first, with its number and all
that is asked; one at a time for each charge, whoever enqueues it how often.
"""

from typing import Final

import msgspec
import structlog

from billing.carry_payment import CarryPayment
from billing.channels.offered import Channels
from billing.channels.protocol import Entry, LaterOrder, Plate
from billing.charge_lifecycle import State as ChargeState
from billing.pay import description_of, number_of
from billing.settle_payment import COLLECTABLE
from billing.sql import announcements, charges
from billing.sql import payments as sql
from kernel.db import Database, Row, Tx
from kernel.ids import new_id

JOB: Final = "billing.collect"

log = structlog.get_logger(__name__)


class Collect:
    """The job's handler; `payload` is a charge's id."""

    def __init__(self, database: Database, channels: Channels, carry: CarryPayment) -> None:
        self._database = database
        self._channels = channels
        self._carry = carry

    async def handle(self, payload: bytes) -> None:
        """Does nothing where the channel has it already, or nobody agreed to pay for the vehicle."""
        async with self._database.transaction() as tx:
            payment = await collect_charge(tx, payload.decode(), self._channels)
        if payment is not None:
            await self._carry.handle(payment.encode())


async def collect_charge(tx: Tx, charge: str, channels: Channels) -> str | None:
    """The payment that collects `charge`, made or under way; None where there is none to be made."""
    rows = await charges.lock(tx, [charge])
    if not rows or rows[0]["state"] not in COLLECTABLE | {ChargeState.ACCEPTED}:
        return None
    (row,) = rows
    for payment in await sql.under_way(tx, [charge]):
        if payment["way"] == "later":
            known: str = payment["id"]
            return known
    if row["state"] == ChargeState.ACCEPTED or row["plate"] is None or charges.charge_of(row).open <= 0:
        return None
    agreement = await sql.agreement(tx, row["plate"], row["color"])
    if agreement is None or channels.known(agreement["channel"]) is None:
        log.info("a charge is not collected: nobody agreed to pay for the vehicle", charge=charge)
        return None
    return await _made(tx, row, agreement)


async def _made(tx: Tx, row: Row, agreement: Row) -> str:
    payment = new_id("pay", tx.now)
    number = number_of(payment)
    open_now = charges.charge_of(row).open
    order = LaterOrder(
        out_trade_no=number,
        amount=open_now,
        description=description_of([row]),
        entry=await _entry(tx, row),
        exit_at=row["ends"],
        lane=await _lane(tx, row),
        contract=agreement["contract"],
    )
    await sql.insert(
        tx,
        payment,
        way="later",
        driver=row["driver"],
        plate=row["plate"],
        color=row["color"],
        channel=agreement["channel"],
        out_trade_no=number,
        parts=[(row["id"], open_now)],
        ordered=msgspec.to_builtins(order),
    )
    return payment


async def _entry(tx: Tx, row: Row) -> Entry:
    """Of the stay; of a promise that was not kept, the time that was promised."""
    return Entry(
        session=row["session"] or row["id"],
        vehicle=Plate(row["plate"], row["color"] or ""),
        car_park=row["car_park"],
        car_park_name=await announcements.car_park_name(tx, row["car_park"]),
        entry_at=row["begins"],
    )


async def _lane(tx: Tx, row: Row) -> str:
    stay = None if row["session"] is None else await announcements.stay(tx, row["session"])
    return (stay["lane"] if stay is not None else None) or "exit"
