"""The ledger's statements. Balances of payers, operators and owners are kept in their rows, all others are sums."""

from collections.abc import Sequence
from typing import Final

from billing.ledger import KEPT, Journal, Posting
from kernel.db import Tx

_KEPT: Final = [str(kind) for kind in KEPT]

ENSURE_SUMMED: Final = """
    INSERT INTO billing.account (kind, holder)
    SELECT wanted.kind, wanted.holder FROM unnest($1::text[], $2::text[]) AS wanted (kind, holder)
    WHERE NOT EXISTS (SELECT FROM billing.account WHERE (account.kind, account.holder) = (wanted.kind, wanted.holder))
    ORDER BY wanted.kind, wanted.holder
    ON CONFLICT DO NOTHING
"""


async def ensure_summed(tx: Tx, postings: Sequence[Posting]) -> None:
    """Their accounts exist, and are visible to the next statement: nobody locks them, everybody posts to them."""
    accounts = [one.account for one in postings if one.account.kind not in KEPT]
    await tx.execute(ENSURE_SUMMED, [str(one.kind) for one in accounts], [one.holder for one in accounts])


INSERT_JOURNAL: Final = """
    WITH written AS (
        INSERT INTO billing.journal (key, kind, at, operator, charge, detail)
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (key) DO NOTHING RETURNING id
    ), wanted AS (
        SELECT kind, holder, amount, kind = ANY ($10) AS kept
        FROM unnest($7::text[], $8::text[], $9::bigint[]) AS wanted (kind, holder, amount), written
    ), kept AS (
        INSERT INTO billing.account AS account (kind, holder, balance)
        SELECT kind, holder, amount FROM wanted WHERE kept ORDER BY kind, holder
        ON CONFLICT (kind, holder) DO UPDATE SET balance = account.balance + EXCLUDED.balance
        RETURNING id, kind, holder
    ), found AS (
        SELECT id, kind, holder FROM kept
        UNION ALL
        SELECT account.id, kind, holder FROM billing.account JOIN wanted USING (kind, holder) WHERE NOT wanted.kept
    ), to_settle AS (
        INSERT INTO billing.settlement_item (journal, operator, at, settlement)
        SELECT id, $4, $3, $11 FROM written WHERE $4::text IS NOT NULL
    )
    INSERT INTO billing.entry (journal, account, amount)
    SELECT written.id, found.id, wanted.amount FROM written, wanted JOIN found USING (kind, holder)
"""


async def insert_journal(tx: Tx, journal: Journal, settlement: str | None) -> bool:
    """False when there is one under its key. `settlement`: to which it belongs, None: to that of its operator's day."""
    entries = await tx.execute(
        INSERT_JOURNAL,
        journal.key,
        journal.kind,
        tx.now,
        journal.operator,
        journal.charge,
        journal.detail,
        [str(one.account.kind) for one in journal.postings],
        [one.account.holder for one in journal.postings],
        [one.amount for one in journal.postings],
        _KEPT,
        settlement,
    )
    if entries not in (0, len(journal.postings)):
        raise RuntimeError(f"{journal.key}: {entries} of {len(journal.postings)} entries were written")
    return entries > 0
