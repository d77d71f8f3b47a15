"""What accounts hold, by their entries; and whether everything that is kept beside the entries says the same."""

from datetime import datetime, timedelta
from typing import Final

from billing.ledger import Account
from kernel.db import Row, Tx

SETTLED_FOR: Final = timedelta(hours=1)
"""No transaction is open for so long: no journal before one that is so old is still to come."""

BALANCE: Final = """
SELECT coalesce(account.balance, coalesce(checkpoint.total, 0) + coalesce((
    SELECT sum(amount) FROM billing.entry
    WHERE entry.account = account.id AND entry.journal > coalesce(checkpoint.journal, 0)), 0))::bigint
FROM billing.account LEFT JOIN billing.checkpoint ON checkpoint.account = account.id
WHERE (account.kind, account.holder) = ($1, $2)
"""
LOCKED: Final = "SELECT balance FROM billing.account WHERE (kind, holder) = ($1, $2) FOR UPDATE"
LAY: Final = """
WITH upto AS (SELECT max(id) AS journal FROM billing.journal WHERE at < $1::timestamptz - $2::interval)
INSERT INTO billing.checkpoint AS checkpoint (account, journal, total, laid_at)
SELECT account.id, upto.journal, coalesce(before.total, 0) + coalesce(sum(entry.amount), 0), $1
FROM upto CROSS JOIN billing.account LEFT JOIN billing.checkpoint AS before ON before.account = account.id
LEFT JOIN billing.entry ON entry.account = account.id
    AND entry.journal > coalesce(before.journal, 0) AND entry.journal <= upto.journal
WHERE account.balance IS NULL AND upto.journal IS NOT NULL AND upto.journal > coalesce(before.journal, 0)
GROUP BY account.id, upto.journal, before.total
ON CONFLICT ON CONSTRAINT checkpoint_key DO UPDATE
    SET journal = excluded.journal, total = excluded.total, laid_at = excluded.laid_at
    WHERE checkpoint.journal < excluded.journal
"""
UNBALANCED: Final = """
SELECT journal.key AS subject, 'unbalanced' AS what, sum(entry.amount)::bigint AS is, 0::bigint AS should
FROM billing.journal LEFT JOIN billing.entry ON entry.journal = journal.id
GROUP BY journal.id HAVING coalesce(sum(entry.amount), 1) <> 0 ORDER BY journal.id LIMIT 100
"""
MISKEPT: Final = """
-- Kept balances, and checkpoints, beside the fold of all entries.
SELECT account.kind || ':' || account.holder AS subject, 'balance' AS what,
    coalesce(account.balance, checkpoint.total)::bigint AS is, coalesce(sum(entry.amount), 0)::bigint AS should
FROM billing.account LEFT JOIN billing.checkpoint ON checkpoint.account = account.id
LEFT JOIN billing.entry ON entry.account = account.id
    AND (account.balance IS NOT NULL OR entry.journal <= checkpoint.journal)
WHERE account.balance IS NOT NULL OR checkpoint.account IS NOT NULL
GROUP BY account.id, checkpoint.account
HAVING coalesce(account.balance, checkpoint.total) <> coalesce(sum(entry.amount), 0)
ORDER BY account.id LIMIT 100
"""
CHARGES: Final = """
-- What the journals of each charge come to; of those that moved since.
WITH asked AS MATERIALIZED (
    SELECT id, state, amount, paid, refunded FROM billing.charge
    WHERE updated_at >= $1 AND id > $2 ORDER BY id LIMIT $3
), moved AS (
    SELECT journal.charge, journal.kind, account.kind AS account, entry.amount FROM billing.journal
    JOIN billing.entry ON entry.journal = journal.id JOIN billing.account ON account.id = entry.account
    WHERE journal.charge IN (SELECT id FROM asked)
), summed AS (
    SELECT charge,
        sum(amount) FILTER (WHERE kind IN ('rate', 'adjust') AND account = 'payer') AS rated,
        count(*) FILTER (WHERE kind = 'rate' AND account = 'payer') AS rates,
        sum(amount) FILTER (WHERE kind = 'pay' AND account = 'channel_clearing') AS pay,
        -sum(amount) FILTER (WHERE kind = 'refund' AND account = 'channel_clearing') AS refund,
        sum(amount) FILTER (WHERE kind IN ('write_off', 'pay') AND account = 'bad_debt') AS written_off
    FROM moved GROUP BY charge
)
SELECT asked.*, coalesce(rated, 0)::bigint AS rated, coalesce(rates, 0) AS rates, coalesce(pay, 0)::bigint AS pay,
    coalesce(refund, 0)::bigint AS refund, coalesce(written_off, 0)::bigint AS written_off
FROM asked LEFT JOIN summed ON summed.charge = asked.id ORDER BY asked.id
"""
UNSETTLED: Final = """
SELECT journal.key AS subject, 'no settlement' AS what, 0::bigint AS is, 1::bigint AS should
FROM billing.journal WHERE operator IS NOT NULL
    AND NOT EXISTS (SELECT FROM billing.settlement_item AS item WHERE item.journal = journal.id)
ORDER BY journal.id LIMIT 100
"""


async def balance(tx: Tx, account: Account) -> int:
    """Fen; 0 of an account that nothing was ever posted to."""
    found: int | None = await tx.fetchval(BALANCE, account.kind, account.holder)
    return found or 0


async def locked(tx: Tx, account: Account) -> int:
    """The same of one whose balance is kept: nobody posts to it until the transaction ends."""
    found: int | None = await tx.fetchval(LOCKED, account.kind, account.holder)
    return found or 0


async def lay_checkpoints(tx: Tx) -> int:
    """Of all accounts whose balance is not kept; how many moved on."""
    return await tx.execute(LAY, tx.now, SETTLED_FOR)


async def unbalanced(tx: Tx) -> list[Row]:
    """Journals that do not sum to zero, or have no entries; at most a hundred."""
    return await tx.fetch(UNBALANCED)


async def miskept(tx: Tx) -> list[Row]:
    """Accounts whose kept balance is not the fold of their entries."""
    return await tx.fetch(MISKEPT)


async def charges(tx: Tx, *, since: datetime, after: str, limit: int) -> list[Row]:
    """With what their journals come to."""
    return await tx.fetch(CHARGES, since, after, limit)


async def unsettled(tx: Tx) -> list[Row]:
    """Journals of an operator that no settlement will ever have."""
    return await tx.fetch(UNSETTLED)
