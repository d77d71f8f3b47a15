"""Whatever is under way is asked for, until it has ended: callbacks are late, doubled or lost, and jobs die.

Any number of workers may call; each payment and refund is claimed by one of them.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from billing.carry_payment import CarryPayment
from billing.carry_refund import CarryRefund
from billing.sql import payments, refunds
from kernel.db import Database, Row
from kernel.db_errors import will_pass

POLL_S: Final = 1.0
AT_ONCE: Final = 8
"""Talks of one process at the same time: a channel that hangs holds up so many, and none for longer than a lease."""
BATCHES_MAX: Final = 25
"""In one turn: what piled up while a channel was away goes at two hundred a second, if it answers as fast."""

log = structlog.get_logger(__name__)


async def poll_channels(database: Database, carry_payment: CarryPayment, carry_refund: CarryRefund) -> int:
    """One turn: what is due now, at most `BATCHES_MAX` times `AT_ONCE` of each; how many there were."""
    done = 0
    for _ in range(BATCHES_MAX):
        batch = await _batch(database, carry_payment, carry_refund)
        done += batch
        if batch < AT_ONCE:
            break
    return done


async def _batch(database: Database, carry_payment: CarryPayment, carry_refund: CarryRefund) -> int:
    async with database.transaction() as tx:
        due_payments = await payments.claim_due(tx, AT_ONCE)
        due_refunds = await refunds.claim_due(tx, AT_ONCE)
    await asyncio.gather(
        *(_carried(carry_payment.carry, row) for row in due_payments),
        *(_carried(carry_refund.carry, row) for row in due_refunds),
    )
    return len(due_payments) + len(due_refunds)


async def _carried(carry: Callable[[Row], Awaitable[None]], row: Row) -> None:
    """One that fails holds up no other, and comes again after its lease."""
    try:
        await carry(row)
    except Exception as error:
        if will_pass(error):
            log.info("a talk with a channel was cut off", id=row["id"], error=repr(error))
        else:
            log.exception("a talk with a channel failed", id=row["id"])
