"""What an owner's spaces earned is paid to the owner: all that is available, and no fen of what still waits."""

from billing.errors import NothingAvailable
from billing.ledger import Account, AccountKind, paid_out_to_owner
from billing.post import post
from billing.sql import balances
from kernel.db import Tx
from kernel.ids import new_id


async def pay_owner(tx: Tx, owner: str) -> tuple[str, int]:
    """The pay-out's id, and its fen. Raises NothingAvailable where the balance is not above zero."""
    amount = -await balances.locked(tx, Account(AccountKind.OWNER, owner))
    if amount <= 0:
        raise NothingAvailable(
            "money of lent spaces is available 48 hours after the stay, once it is paid", owner=owner
        )
    payout = new_id("pyo", tx.now)
    await post(tx, paid_out_to_owner(owner, payout, amount))
    return payout, amount
