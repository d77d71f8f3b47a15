"""Holds sessions, charges, ledger and payments against what was said at the lanes, and against the channels' own books.

By SQL and additions of its own, not through the product, which might be wrong in the same way twice.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator

import asyncpg

from simulators.payment_channel.server import SimulatedChannels
from simulators.payment_channel.truth import OrderState, RefundState
from tests.faults.billed_town import CHANNELS, Book
from tests.faults.oracle import Verdict

_SESSIONS = """
SELECT id, car_park, plate, state, entry_passage, exit_passage, amount FROM billing.session
WHERE state NOT IN ('corrected', 'matched')
"""
_CHARGES = "SELECT id, session, state, amount, paid, refunded FROM billing.charge"
_ENTRIES = """
SELECT journal.id AS journal, journal.key, journal.kind AS what, journal.charge, account.id AS account,
    account.kind, account.holder, account.balance, entry.amount, entry.journal IS NOT NULL AS is_entered
FROM billing.journal LEFT JOIN billing.entry ON entry.journal = journal.id
LEFT JOIN billing.account ON account.id = entry.account
"""
_ACCOUNTS = "SELECT id, kind, holder, balance FROM billing.account WHERE balance IS NOT NULL"
_PAYMENTS = "SELECT id, channel, out_trade_no, amount, state FROM billing.payment"
_REFUNDS = "SELECT id, payment, charge, out_refund_no, amount, state FROM billing.refund"
_ITEMS = """
SELECT journal.key, count(item.journal) AS items FROM billing.journal
LEFT JOIN billing.settlement_item AS item ON item.journal = journal.id
WHERE journal.operator IS NOT NULL GROUP BY journal.key HAVING count(item.journal) <> 1
"""
_DAYS = "SELECT id, state FROM billing.settlement"
UNDER_WAY = """
SELECT (SELECT count(*) FROM billing.payment WHERE poll_at IS NOT NULL)
    + (SELECT count(*) FROM billing.refund WHERE poll_at IS NOT NULL)
    + (SELECT count(*) FROM jobs.pgqueuer WHERE status IN ('queued', 'picked'))
    + (SELECT count(*) FROM billing.charge WHERE state IN ('quoted', 'due', 'accepted', 'overdue'))
"""
"""Zero: nobody has anything left to do."""


class _Found:
    """Everything that is looked at, of one moment."""

    def __init__(self, rows: dict[str, list[asyncpg.Record]]) -> None:
        self.sessions, self.charges, self.entries = rows["sessions"], rows["charges"], rows["entries"]
        self.accounts, self.payments, self.refunds = rows["accounts"], rows["payments"], rows["refunds"]
        self.items, self.days = rows["items"], rows["days"]


async def judge_billing(database_url: str, book: Book, channels: SimulatedChannels) -> Verdict:
    """After everybody has come to rest."""
    found = await _read(database_url)
    lost, invented, doubled, wrong = _stays(found, book)
    return Verdict(
        events=2 * len(book.stays),
        history=len(found.sessions),
        lost=[*lost, *sorted(book.refunds.keys() - {row["id"] for row in found.refunds})],
        invented=invented,
        doubled=doubled,
        wrong=[*wrong, *_refunded(found, book), *_charges(found), *_days(found, book)],
        unexplained=[fault for name in CHANNELS for fault in _channel(found, name, channels)],
        unbalanced=list(_ledger(found)),
    )


async def _read(database_url: str) -> _Found:
    connection = await asyncpg.connect(database_url)
    asked = {
        "sessions": _SESSIONS, "charges": _CHARGES, "entries": _ENTRIES, "accounts": _ACCOUNTS,
        "payments": _PAYMENTS, "refunds": _REFUNDS, "items": _ITEMS, "days": _DAYS,
    }  # fmt: skip
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            return _Found({name: await connection.fetch(statement) for name, statement in asked.items()})
    finally:
        await connection.close()


def _stays(found: _Found, book: Book) -> tuple[list[str], list[str], list[str], list[str]]:
    """Lost, invented, doubled and wrong ones."""
    of_stay = defaultdict(list)
    for row in found.sessions:
        of_stay[row["car_park"], row["plate"], row["entry_passage"], row["exit_passage"]].append(row)
    charges = defaultdict(list)
    for row in found.charges:
        if row["state"] != "void":
            charges[row["session"]].append(row)
    lost, doubled, wrong = [], [], []
    for stay in book.stays:
        rows = of_stay.pop((stay.car_park, stay.plate, stay.entry, stay.exit), [])
        if not rows:
            lost.append(f"no session of {stay}")
        elif len(rows) > 1:
            doubled.append(f"{len(rows)} sessions of {stay}")
        else:
            asked = charges.pop(rows[0]["id"], [])
            if len(asked) > 1:
                doubled.append(f"{len(asked)} charges of {stay}")
            fees = [(row["amount"], row["paid"]) for row in asked]
            if rows[0]["amount"] != stay.fee or fees != [(stay.fee, stay.fee)] or rows[0]["state"] != "closed":
                wrong.append(f"{stay} costs {stay.fee}: its session is {dict(rows[0])}, its charges {fees}")
    return (
        lost,
        [f"nobody said {stay}" for stay in of_stay] + [f"charges of nobody's {session}" for session in charges],
        doubled,
        wrong,
    )


def _charges(found: _Found) -> Iterator[str]:
    """What is kept of a charge is what its journals come to."""
    told: Counter[tuple[str, str]] = Counter()
    for row in found.entries:
        if row["charge"] is not None and row["kind"] == "channel_clearing":
            told[row["charge"], row["what"]] += row["amount"]
        if row["charge"] is not None and row["kind"] == "payer" and row["what"] in ("rate", "adjust"):
            told[row["charge"], "rate"] += row["amount"]
    for row in found.charges:
        amount = 0 if row["state"] == "void" else row["amount"]
        kept = (amount, row["paid"], row["refunded"])
        by_entries = (told[row["id"], "rate"], told[row["id"], "pay"], -told[row["id"], "refund"])
        if kept != by_entries:
            yield f"{row['id']} keeps {kept}, its journals say {by_entries}"


def _ledger(found: _Found) -> Iterator[str]:
    """Every journal sums to zero, every kept balance is its entries, every operator's journal is of one day."""
    journals: Counter[str] = Counter()
    sums: Counter[int] = Counter()
    for row in found.entries:
        if not row["is_entered"]:
            yield f"{row['key']} has no entries"
            continue
        journals[row["key"]] += row["amount"]
        sums[row["account"]] += row["amount"]
    yield from (f"{key} sums to {total}" for key, total in journals.items() if total)
    for row in found.accounts:
        if row["balance"] != sums[row["id"]]:
            yield f"{row['kind']} {row['holder']} keeps {row['balance']}, entries say {sums[row['id']]}"
        if row["kind"] == "payer" and row["balance"]:
            yield f"{row['holder']} owes {row['balance']} after all was paid"
    yield from (f"{row['key']} is in {row['items']} settlements" for row in found.items)


def _channel(found: _Found, name: str, channels: SimulatedChannels) -> Iterator[str]:
    """What we say was paid and given back is what the channel says, number by number; and so is the balance."""
    truth = getattr(channels, name).truth
    theirs = {order.number: order.amount for order in truth.orders.values() if order.state is OrderState.SUCCEEDED}
    payments = {row["id"] for row in found.payments if row["channel"] == name}
    ours = {
        row["out_trade_no"]: row["amount"]
        for row in found.payments
        if row["channel"] == name and row["state"] == "succeeded"
    }
    back = {each.number: each.amount for each in truth.refunds.values() if each.state is RefundState.SUCCEEDED}
    given = {
        row["out_refund_no"]: row["amount"]
        for row in found.refunds
        if row["payment"] in payments and row["state"] == "succeeded"
    }
    for what, we, they in (("payments", ours, theirs), ("refunds", given, back)):
        if we != they:
            yield f"{what} of {name}: we alone {we.items() - they.items()}, they alone {they.items() - we.items()}"
    balance = sum(row["amount"] for row in found.entries if (row["kind"], row["holder"]) == ("channel_clearing", name))
    if balance != sum(theirs.values()) - sum(back.values()):
        yield f"{name} holds {sum(theirs.values()) - sum(back.values())}, our account {balance}"


def _refunded(found: _Found, book: Book) -> Iterator[str]:
    """What was answered is as it was answered, and no charge gives back what nobody asked for."""
    asked: Counter[str] = Counter()
    for row in found.refunds:
        told = book.refunds.get(row["id"])
        if told is not None and (row["charge"], row["amount"], row["state"]) != (*told, "succeeded"):
            yield f"the refund {dict(row)} was answered as {told}"
        if row["charge"] is not None:
            asked[row["charge"]] += row["amount"]
            if told is None:
                yield f"nobody asked for the refund {dict(row)}"
    for row in found.charges:
        if row["refunded"] != asked[row["id"]]:
            yield f"{row['id']} gave back {row['refunded']}, refunds are {asked[row['id']]}"


def _days(found: _Found, book: Book) -> Iterator[str]:
    states = {row["id"]: row["state"] for row in found.days}
    yield from (f"day {day} was closed and is {states.get(day)}" for day in book.frozen if states.get(day) == "open")
