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
    accounts = {one.account for one in postings if one.account.kind not in KEPT}
    await tx.execute(ENSURE_SUMMED, [str(one.kind) for one in accounts], [one.holder for one in accounts])


INSERT_JOURNALS: Final = """
-- Those whose key is not known, with their entries; a kept balance moves once, by all of them.
WITH written AS (
    INSERT INTO billing.journal (key, kind, at, operator, charge, detail)
    SELECT key, kind, $2, operator, charge, detail
    FROM jsonb_to_recordset($1) AS wanted (key text, kind text, operator text, charge text, detail jsonb)
    ON CONFLICT (key) DO NOTHING RETURNING id, key, operator
), wanted AS (
    SELECT written.id, kind, holder, amount, kind = ANY ($7) AS kept
    FROM unnest($3::text[], $4::text[], $5::text[], $6::bigint[]) AS wanted (key, kind, holder, amount)
    JOIN written USING (key)
), kept AS (
    INSERT INTO billing.account AS account (kind, holder, balance)
    SELECT kind, holder, sum(amount) FROM wanted WHERE kept GROUP BY kind, holder ORDER BY kind, holder
    ON CONFLICT (kind, holder) DO UPDATE SET balance = account.balance + EXCLUDED.balance
    RETURNING id, kind, holder
), found AS (
    SELECT id, kind, holder FROM kept
    UNION ALL
    SELECT account.id, kind, holder FROM billing.account
    WHERE (kind, holder) IN (SELECT kind, holder FROM wanted WHERE NOT wanted.kept)
), to_settle AS (
    INSERT INTO billing.settlement_item (journal, operator, at, settlement)
    SELECT id, operator, $2, $8 FROM written WHERE operator IS NOT NULL
), entered AS (
    INSERT INTO billing.entry (journal, account, amount)
    SELECT wanted.id, found.id, wanted.amount FROM wanted JOIN found USING (kind, holder)
    RETURNING journal
)
SELECT written.key, (SELECT count(*) FROM entered WHERE journal = written.id)::integer AS entries FROM written
"""


async def insert_journals(tx: Tx, journals: Sequence[Journal], settlement: str | None) -> frozenset[str]:
    """The keys of those that were written now. `settlement`: to which they belong, None: to that of their operators'
    day.
    """
    told = [
        {"key": one.key, "kind": one.kind, "operator": one.operator, "charge": one.charge, "detail": one.detail}
        for one in journals
    ]
    entries = [(one.key, posting) for one in journals for posting in one.postings]
    written = await tx.fetch(
        INSERT_JOURNALS,
        told,
        tx.now,
        [key for key, _ in entries],
        [str(posting.account.kind) for _, posting in entries],
        [posting.account.holder for _, posting in entries],
        [posting.amount for _, posting in entries],
        _KEPT,
        settlement,
    )
    sizes = {one.key: len(one.postings) for one in journals}
    for row in written:
        if row["entries"] != sizes[row["key"]]:
            raise RuntimeError(f"{row['key']}: {row['entries']} of {sizes[row['key']]} entries were written")
    return frozenset(row["key"] for row in written)
