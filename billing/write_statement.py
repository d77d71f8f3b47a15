"""Read a settlement, or an owner's month, as its papers show it."""

from collections.abc import Sequence
from datetime import date
from zoneinfo import ZoneInfo

from billing.business_day import bounds
from billing.ledger import Account, AccountKind
from billing.settlement_lifecycle import State
from billing.split import given_back, split
from billing.sql import balances, settled
from billing.sql import statements as sql
from billing.statement import Figures, Item, Language, OwnerStatement, Place, Share, Statement
from contracts.promises import OWNERS_MONEY_HELD_FOR
from kernel.db import Row, Tx


async def write_statement(tx: Tx, row: Row, zone: ZoneInfo, language: Language) -> Statement:
    """Of the settlement in `row`. One that is open, or not split yet, has only what was paid and given back."""
    places = await places_of(tx, row)
    items = await sql.items(tx, row["id"])
    return Statement(
        settlement=row["id"],
        operator=row["operator"],
        operator_name=row[f"name_{language}"] or row["operator"],
        day=row["day"].isoformat(),
        state=row["state"],
        zone=zone.key,
        made_at=tx.now,
        paid=row["paid"],
        places=places,
        items=[
            Item(
                charge=item["charge"],
                kind=item["kind"],
                car_park=item["car_park"],
                vehicle=item["vehicle"],
                begins=item["begins"],
                ends=item["ends"],
                channel=item["channel"],
                figures=figures_of(item, is_split=row["is_split"]),
            )
            for item in items
        ],
    )


async def places_of(tx: Tx, row: Row) -> list[Place]:
    """By car park and channel: as they were kept, or of an open day so far."""
    return (await places_of_all(tx, [row]))[row["id"]]


async def places_of_all(tx: Tx, rows: Sequence[Row]) -> dict[str, list[Place]]:
    """The same of several. Before a day is split, all that is left of it is told as the operator's."""
    found = await settled.figures(tx, [row["id"] for row in rows])
    figures = {row["id"]: [one for one in found if one["settlement"] == row["id"]] for row in rows}
    for row in rows:
        if row["state"] == State.OPEN:  # an operator has one at most
            figures[row["id"]] = await settled.figures_so_far(tx, row["operator"], row["ends"])
    return {
        row["id"]: [
            Place(one["car_park"], one["channel"], figures_of(one, is_split=row["is_split"]))
            for one in figures[row["id"]]
        ]
        for row in rows
    }


async def write_owner_statement(tx: Tx, owner: str, month: tuple[int, int], zone: ZoneInfo) -> OwnerStatement:
    """Of the stays that ended in that `(year, month)` on `owner`'s spaces."""
    year, number = month
    begins, _ = bounds(date(year, number, 1), zone)
    ends, _ = bounds(date(year + number // 12, number % 12 + 1, 1), zone)
    shares = [_share(row) for row in await sql.of_owner(tx, owner, begins, ends)]
    return OwnerStatement(month=f"{year:04}-{number:02}", zone=zone.key, made_at=tx.now, shares=shares)


async def owners_balance(tx: Tx, owner: str) -> int:
    """Fen that are the owner's and were not paid out."""
    return -await balances.balance(tx, Account(AccountKind.OWNER, owner))


def figures_of(row: Row, *, is_split: bool) -> Figures:
    return Figures(
        payments=row["payments"],
        refunds=row["refunds"],
        gross=row["gross"],
        refunded=row["refunded"],
        owners=row["owners"] if is_split else 0,
        platform=row["platform"] if is_split else 0,
        fees=row["fees"],
        losses=row["losses"],
    )


def _share(row: Row) -> Share:
    """Of what is not paid yet: what it will bring."""
    amount = row["paid"] or row["amount"]
    parts = split(amount, owner_share_bp=row["owner_share_bp"], platform_share_bp=row["platform_share_bp"])
    standing = "expected" if not row["paid"] else "waiting" if row["released_at"] is None else "available"
    return Share(
        charge=row["id"],
        kind=row["kind"],
        car_park=row["car_park"],
        begins=row["begins"],
        ends=row["ends"],
        paid=row["paid"],
        refunded=row["refunded"],
        owner=(parts - given_back(parts, row["refunded"])).owner,
        standing=standing,
        available_at=row["due_at"] or row["ends"] + OWNERS_MONEY_HELD_FOR,
    )
