"""What a channel tells of a refund becomes true with us, once: the charge, and at whose cost it was."""

import structlog

from billing import ledger
from billing.channels.protocol import RefundTold
from billing.charges import refund_charge
from billing.payment_lifecycle import REFUND_UNDER_WAY, RefundState, ask_again_after, refund_after
from billing.post import post
from billing.refund_shares import refund_shares
from billing.settle_payment import DoesNotFit
from billing.sql import charges
from billing.sql import refunds as sql
from kernel.db import Row, Tx

log = structlog.get_logger(__name__)


async def settle_refund(tx: Tx, refund: Row, told: RefundTold, *, channel: str) -> Row | None:
    """The refund's row as it stands now; None when that was known already. Its payment and it are locked. Raises
    DoesNotFit.
    """
    if told.amount is not None and told.amount != refund["amount"]:
        raise DoesNotFit(f"it tells {told.amount} fen of a refund of {refund['amount']}")
    before = RefundState(refund["state"])
    now = refund_after(before, told.standing)
    if now is before:
        return None
    again = tx.now + ask_again_after(max(1, refund["attempts"]), is_waited_for=False)
    moved = await sql.move(
        tx,
        refund,
        now,
        transaction=told.transaction,
        error=told.error,
        poll_at=again if now in REFUND_UNDER_WAY else None,
    )
    if now is RefundState.SUCCEEDED:
        await _give_back(tx, moved, channel)
    elif now is RefundState.FAILED:
        log.warning("a refund failed", refund=refund["id"], channel=channel, error=told.error)
    return moved


async def _give_back(tx: Tx, refund: Row, channel: str) -> None:
    if refund["charge"] is None:
        await post(
            tx,
            ledger.overpaid_returned(refund["payer"], refund["amount"], refund=refund["id"], channel=channel),
        )
        return
    (charge,) = await charges.lock(tx, [refund["charge"]])
    shares = await refund_shares(tx, charge, refund["amount"])
    await refund_charge(
        tx, charge, refund["amount"], shares, refund=refund["id"], channel=channel, actor=refund["actor"]
    )
