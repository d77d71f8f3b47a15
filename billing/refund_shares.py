"""At whose cost a refund is: in the ratio in which the fee was, or would have been, split."""

from collections.abc import Sequence

from billing.ledger import Account, AccountKind, Posting
from billing.split import given_back, split
from billing.sql import splits as sql
from kernel.db import Row, Tx


async def refund_shares(tx: Tx, charge: Row, amount: int) -> Sequence[Posting]:
    """The debits of `amount` fen given back of `charge`, whose row is locked and still without this refund.

    What is not split yet comes from what is pending, each part of its own account after it. Raises ValueError for more
    than was paid and not given back.
    """
    parts = split(
        charge["paid"], owner_share_bp=charge["owner_share_bp"], platform_share_bp=charge["platform_share_bp"]
    )
    cost = given_back(parts, charge["refunded"] + amount) - given_back(parts, charge["refunded"])
    done = await sql.splits_of(tx, charge["id"])
    pending = Account(AccountKind.OPERATOR_PENDING, charge["operator"])
    at_cost = {pending: 0}
    for is_split, account, share in (
        ("owner" in done, Account(AccountKind.OWNER, charge["owner"] or ""), cost.owner),
        ("split" in done, Account(AccountKind.OPERATOR, charge["operator"]), cost.operator),
        ("split" in done, Account(AccountKind.PLATFORM), cost.platform),
    ):
        payer = account if is_split else pending
        at_cost[payer] = at_cost.get(payer, 0) + share
    return tuple(Posting(account, share) for account, share in at_cost.items() if share)
