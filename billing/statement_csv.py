"""Statements as CSV, for spreadsheets (RFC 4180, UTF-8 with a mark, so that Excel reads Chinese). Pure.

A spreadsheet takes what begins with `=`, `+`, `-` or `@` for a formula and runs it. Whatever was written by others (a
ticket, a car park's id) is therefore led in by an apostrophe where it begins so; our own numbers are left numbers.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from billing.statement import AMOUNTS, Figures, Item, Language, OwnerStatement, Statement, yuan
from billing.statement_words import said

MARK: Final = "\ufeff"
DANGEROUS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "＝", "＋", "－", "＠")
"""At the beginning of a cell; the full-width ones too, which some take for the same."""
_ITEM: Final = ("charge", "kind", "car_park", "vehicle", "begins", "ends", "channel")
_SHARE: Final = (
    "charge",
    "kind",
    "car_park",
    "begins",
    "ends",
    "gross",
    "refunded",
    "owner",
    "standing",
    "available_at",
)


def statement_csv(statement: Statement, language: Language) -> bytes:
    """One row a charge, and the total."""
    zone = ZoneInfo(statement.zone)
    rows = [[*_cells(item, language, zone), *_amounts(item.figures)] for item in statement.items]
    total = [said(language, "total"), *[""] * (len(_ITEM) - 1), *_amounts(statement.total)]
    return _written([said(language, name) for name in (*_ITEM, *AMOUNTS)], [*rows, total])


def owner_statement_csv(statement: OwnerStatement, language: Language) -> bytes:
    """One row a charge."""
    zone = ZoneInfo(statement.zone)
    rows = [
        [
            cell(share.charge),
            said(language, share.kind),
            cell(share.car_park),
            local(share.begins, zone),
            local(share.ends, zone),
            yuan(share.paid),
            yuan(share.refunded),
            yuan(share.owner),
            said(language, share.standing),
            local(share.available_at, zone),
        ]
        for share in statement.shares
    ]
    return _written([said(language, name) for name in _SHARE], rows)


def cell(text: str) -> str:
    """`text` as a cell that no spreadsheet runs."""
    return f"'{text}" if text.lstrip().startswith(DANGEROUS) or text.startswith(DANGEROUS) else text


def local(moment: datetime, zone: ZoneInfo) -> str:
    """`2026-11-23 08:00:00`, on the city's clock."""
    return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def _cells(item: Item, language: Language, zone: ZoneInfo) -> Sequence[str]:
    return (
        cell(item.charge),
        said(language, item.kind),
        cell(item.car_park),
        cell(item.vehicle),
        local(item.begins, zone),
        local(item.ends, zone),
        cell(item.channel),
    )


def _amounts(figures: Figures) -> Sequence[str]:
    return [yuan(getattr(figures, name)) for name in AMOUNTS]


def _written(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    paper = io.StringIO()
    paper.write(MARK)
    writer = csv.writer(paper)
    writer.writerow(titles)
    writer.writerows(rows)
    return paper.getvalue().encode()
