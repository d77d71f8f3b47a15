"""Begin to give money back, by the way it came. The job `billing.refund` and the loop of refunds do it."""

from typing import Final

from billing.errors import NothingToRefund, UnknownCharge
from billing.sql import charges, refunds
from billing.sql import payments as sql
from kernel.db import Row, Tx
from kernel.ids import new_id
from kernel.jobs import enqueue

JOB: Final = "billing.refund"


async def start_refund(tx: Tx, charge: str, amount: int | None, *, reason: str, actor: str) -> Row:
    """Give `amount` fen (None: all that is left) of what was paid for `charge` back; the refund's row.

    The charge and the ledger move when the channel has done it. Raises UnknownCharge, NothingToRefund.
    """
    payment = await sql.paid_by(tx, charge)
    if payment is not None:
        await sql.lock(tx, payment["id"])  # before the charge: the order in which everybody locks
    rows = await charges.lock(tx, [charge])
    if not rows:
        raise UnknownCharge(charge=charge)
    if payment is None:
        raise NothingToRefund("nothing was paid for it through a payment channel", charge=charge, refundable=0)
    left = payment["paid"] - await refunds.given(tx, charge)
    wanted = left if amount is None else amount
    if not 0 < wanted <= left:
        raise NothingToRefund(
            f"at most {left} fen of it can be given back: what was paid, less what went back or is on its way",
            charge=charge,
            refundable=left,
        )
    return await _made(tx, payment["id"], wanted, charge=charge, payer=None, reason=reason, actor=actor)


async def return_surplus(tx: Tx, payment: str, amount: int, *, payer: str, reason: str) -> Row:
    """Give back what the channel has for nothing: paid twice, or for what was void by then. `payment` is locked."""
    return await _made(tx, payment, amount, charge=None, payer=payer, reason=reason, actor="billing")


async def _made(
    tx: Tx, payment: str, amount: int, *, charge: str | None, payer: str | None, reason: str, actor: str
) -> Row:
    refund = new_id("rfd", tx.now)
    row = await refunds.insert(
        tx,
        refund,
        payment=payment,
        charge=charge,
        payer=payer,
        out_refund_no=refund.removeprefix("rfd_"),
        amount=amount,
        reason=reason,
        actor=actor,
    )
    await enqueue(tx, JOB, refund.encode())
    return row
