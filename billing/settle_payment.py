"""What a channel tells of a payment becomes true with us, once, in whatever order and however often it is told.

Whoever hears it (a callback, a query, the answer to what was sent) locks the payment's row and comes here: the row's
state is what makes the second one find nothing to do. The payment is locked before its charges, everywhere.
"""

from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from billing import ledger
from billing.channels.protocol import PaymentTold, Standing
from billing.charge_lifecycle import State as ChargeState
from billing.charges import accept_charge, owed, pay_charge, refuse_charge
from billing.errors import WrongState
from billing.payment_lifecycle import UNDER_WAY, State, after, ask_again_after
from billing.post import post
from billing.sql import charges
from billing.sql import payments as sql
from billing.start_refund import return_surplus
from kernel.db import Row, Tx
from kernel.jobs import enqueue

OnPaid = Callable[[Tx, Row], Awaitable[None]]
"""Told of every charge that was paid: a vehicle may wait at a barrier for it."""

DROP_JOB: Final = "billing.drop"
COLLECTABLE: Final = frozenset({ChargeState.DUE, ChargeState.OVERDUE, ChargeState.ADJUSTED})

log = structlog.get_logger(__name__)


class DoesNotFit(Exception):
    """What is told is not of this payment: another amount, another vehicle, another transaction. Nothing was moved."""


async def settle_payment(tx: Tx, payment: Row, told: PaymentTold, on_paid: OnPaid) -> Row | None:
    """The payment's row as it stands now; None when that was known already. `payment` is locked. Raises DoesNotFit."""
    check_fits(payment, told)
    if payment["transaction"] is None and told.transaction is not None:
        other = await sql.of_transaction(tx, payment["channel"], told.transaction)
        if other is not None:
            raise DoesNotFit(f"it tells of the transaction of {other}")
    before, now = State(payment["state"]), after(State(payment["state"]), told.standing)
    if now is before:
        return await _repaid(tx, payment, told) if now is State.SUCCEEDED else None
    is_waited_for = payment["way"] == "now"
    again = tx.now + ask_again_after(max(1, payment["attempts"]), is_waited_for=is_waited_for)
    moved = await sql.move(
        tx,
        payment,
        now,
        transaction=told.transaction,
        is_advanced=told.is_advanced,
        is_repaid=told.is_repaid,
        error=told.error,
        poll_at=again if now in UNDER_WAY else None,
    )
    match now:
        case State.ACCEPTED:
            await _accept(tx, moved)
        case State.SUCCEEDED:
            await _take(tx, moved, told, on_paid)
        case State.FAILED | State.CLOSED:
            await _give_up(tx, moved, told.error or now)
    return moved


def check_fits(payment: Row, told: PaymentTold) -> None:
    """Raises DoesNotFit."""
    if told.amount is not None and told.amount != payment["amount"]:
        raise DoesNotFit(f"it tells {told.amount} fen of a payment of {payment['amount']}")
    if told.standing is Standing.SUCCEEDED and told.amount is None:
        raise DoesNotFit("it tells of success and not of how much")
    if told.plate is not None and (told.plate.number, told.plate.color) != (payment["plate"], payment["color"]):
        raise DoesNotFit("it tells of another vehicle")
    if payment["transaction"] is not None and told.transaction not in (None, payment["transaction"]):
        raise DoesNotFit("it tells of another transaction under the same number")


async def _accept(tx: Tx, payment: Row) -> None:
    for row in await _charges(tx, payment):
        if row["state"] in COLLECTABLE:
            await accept_charge(tx, row, channel=payment["channel"])
    await _drop_codes(tx, payment)


async def _drop_codes(tx: Tx, payment: Row) -> None:
    """Codes that were given out for the same charges are closed, before somebody pays them as well: by a job, because
    payments are locked before charges.
    """
    parts = await sql.parts(tx, payment["id"])
    for other in await sql.under_way(tx, [part["charge"] for part in parts]):
        if other["way"] == "now" and other["id"] != payment["id"]:
            await enqueue(tx, DROP_JOB, other["id"].encode())


async def _give_up(tx: Tx, payment: Row, error: str) -> None:
    """What it was to collect is due from now on, and its driver is reminded."""
    for row in await _charges(tx, payment):
        is_accepted = row["state"] == ChargeState.ACCEPTED and row["channel"] == payment["channel"]
        if is_accepted or (payment["way"] == "later" and row["state"] in COLLECTABLE):
            await refuse_charge(tx, row, channel=payment["channel"], error=error)


async def _take(tx: Tx, payment: Row, told: PaymentTold, on_paid: OnPaid) -> None:
    """Each charge takes what is open of it; what nothing is owed for goes back by itself.

    Payer by payer: their accounts are locked as they are posted to, by payments of the same vehicles in the same order.
    """
    rows = {row["id"]: row for row in await _charges(tx, payment)}
    parts = await sql.parts(tx, payment["id"])
    for part in sorted(parts, key=lambda part: (owed(rows[part["charge"]]).payer, part["charge"])):
        row = rows[part["charge"]]
        open_now = charges.charge_of(row).open
        taken = open_now if 0 < open_now <= part["amount"] else 0
        if taken:
            paid = await _paid(tx, row, taken, payment, is_advanced=told.is_advanced and not told.is_repaid)
            taken = taken if paid is not None else 0
            if paid is not None:
                await sql.took(tx, payment["id"], row["id"], taken)
                await on_paid(tx, paid)
        if taken < part["amount"]:
            await _too_much(tx, payment, row, part["amount"] - taken)
    await _drop_codes(tx, payment)


async def _paid(tx: Tx, row: Row, amount: int, payment: Row, *, is_advanced: bool) -> Row | None:
    """None: another charge of the same stay is owed instead, and this quote cannot be taken up beside it."""
    try:
        async with tx.savepoint():
            with tx.guard({"charge_session_once": WrongState}):
                return await pay_charge(
                    tx, row, amount, payment=payment["id"], channel=payment["channel"], is_advanced=is_advanced
                )
    except WrongState:
        return None


async def _too_much(tx: Tx, payment: Row, charge: Row, amount: int) -> None:
    payer = owed(charge).payer
    journal = ledger.overpaid(payer, amount, payment=payment["id"], charge=charge["id"], channel=payment["channel"])
    if await post(tx, journal):
        reason = f"paid for {charge['id']}, which is {charge['state']}"
        await return_surplus(tx, payment["id"], amount, payer=payer, reason=reason)
        log.info("paid too much, is given back", payment=payment["id"], charge=charge["id"], amount=amount)


async def _repaid(tx: Tx, payment: Row, told: PaymentTold) -> Row | None:
    """The driver has paid back what the channel had advanced: he owes nobody anything now."""
    if not told.is_repaid or payment["is_repaid"]:
        return None
    moved = await sql.move(
        tx,
        payment,
        State.SUCCEEDED,
        transaction=told.transaction,
        is_advanced=told.is_advanced,
        is_repaid=True,
        error=None,
        poll_at=None,
    )
    for row in await _charges(tx, payment):
        if row["is_advanced"]:
            same = charges.charge_of(row)
            detail = {"payment": payment["id"]}
            await charges.move(tx, row, same, "repaid", actor=payment["channel"], detail=detail, is_advanced=False)
    return moved


async def _charges(tx: Tx, payment: Row) -> list[Row]:
    """Locked, in the order of their ids."""
    return await charges.lock(tx, [part["charge"] for part in await sql.parts(tx, payment["id"])])
