"""A channel's bill of a day comes in: its lines are kept, compared with ours, and booked.

Read again it is the same: lines that are known stay as they are, and so does what was found of them.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from billing import ledger
from billing.business_day import bounds
from billing.channels.protocol import BillLine, LineKind
from billing.ledger import Journal
from billing.matching import Line, Ours, compare
from billing.post import post_all
from billing.sql import bills as sql
from billing.sql import differences
from kernel.db import Database, Row, Tx
from kernel.ids import new_id
from kernel.money import apportion

PORTION: Final = 200


async def take_bill(database: Database, channel: str, day: date, lines: Sequence[BillLine], zone: ZoneInfo) -> None:
    """All of it. What is not booked when the process dies is booked by the next run (`book_lines`)."""
    async with database.transaction() as tx:
        await sql.lock_channel(tx, channel)
        await sql.keep(tx, channel, day, lines)
        await _compare(tx, channel, day, zone)
    await book_lines(database)


async def are_the_same(tx: Tx, same: Sequence[tuple[Line, Ours]]) -> None:
    """These lines are ours, to the fen; what the channel kept of each is due to its charges, by their amounts."""
    await sql.is_ours(tx, [(line.id, one) for line, one in same])
    await fees_are_due(tx, same)


async def fees_are_due(tx: Tx, lines: Sequence[tuple[Line, Ours]]) -> None:
    """To the charges of the payment or refund that each line is about."""
    fees = await sql.fees_of(tx, [line.id for line, _ in lines])
    parts: dict[str, list[tuple[str, str, str, int]]] = {}
    for part in await sql.parts(tx, [one.id for line, one in lines if line.id in fees]):
        parts.setdefault(part["id"], []).append((part["charge"], part["operator"], part["item"], part["amount"]))
    due = []
    for line, one in lines:
        of_charges = parts.get(one.id, [])
        fee = fees.get(line.id, 0)
        shares = apportion(abs(fee), [amount for *_, amount in of_charges]) if of_charges else []
        due += [
            (line.id, charge, operator, item, share if fee > 0 else -share)
            for (charge, operator, item, _), share in zip(of_charges, shares, strict=True)
            if share
        ]
    await sql.keep_fees(tx, due)


async def book_lines(database: Database) -> None:
    """What the bills say goes from the channels to the bank, and what they kept."""
    async with database.transaction(readonly=True) as tx:
        days = await sql.unbooked_days(tx)
    for channel, day in days:
        while True:
            async with database.transaction() as tx:
                rows = await sql.to_book(tx, channel, day, PORTION)
                await post_all(tx, [journal for row in rows for journal in _journals(row)])
                await sql.booked(tx, [row["id"] for row in rows])
            if len(rows) < PORTION:
                break


def _journals(row: Row) -> Iterator[Journal]:
    """What a line moves: into the bank or out of it, and what the channel kept or gave back."""
    moved = (row["amount"] if row["kind"] == LineKind.PAYMENT else -row["amount"]) - row["fee"]
    if moved:
        yield ledger.billed(row["channel"], row["id"], moved)
    if row["fee"]:
        yield ledger.channel_fee(row["channel"], row["ours"] or f"{row['channel']}:{row['id']}", row["fee"])


async def _compare(tx: Tx, channel: str, day: date, zone: ZoneInfo) -> None:
    begins, ends = bounds(day, zone)
    lines = await sql.new_lines(tx, channel, day)
    ours = await sql.ours(tx, channel, [line.named for line in lines])
    compared = compare(lines, ours, await sql.expected(tx, channel, begins, ends), ends=ends)
    await are_the_same(tx, compared.same)
    for differs in compared.differences:
        await differences.insert(tx, new_id("dif", tx.now), channel, day, differs)
    off = [(one.line, one.ours) for one in compared.differences if one.our_amount is not None]
    await fees_are_due(tx, [(line, one) for line, one in off if line is not None and one is not None])
