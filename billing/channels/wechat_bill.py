"""WeChat Pay's bill of a day: CSV, a backtick before every value, a row of totals at the end. Pure."""

import csv
import io
from collections.abc import Iterator
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Final
from zoneinfo import ZoneInfo

from billing.channels.protocol import BillLine, ChannelAway, LineKind

BEIJING: Final = ZoneInfo("Asia/Shanghai")
FEN: Final = Decimal(100)
TOTALS: Final = "总交易单数"
"""The first title of the table of totals below the lines."""


def read_bill(document: bytes) -> list[BillLine]:
    """The lines of `document`, UTF-8. Raises ChannelAway for what is no bill: nobody can tell what it leaves out."""
    try:
        return list(_lines(document.decode("utf-8-sig")))
    except (KeyError, ValueError, InvalidOperation, IndexError, csv.Error) as error:
        raise ChannelAway(f"the bill cannot be read: {type(error).__name__}") from error


def _lines(text: str) -> Iterator[BillLine]:
    rows = csv.reader(io.StringIO(text))
    titles = [title.strip() for title in next(rows, [])]
    count = 0
    for row in rows:
        if row and row[0].strip() == TOTALS:
            told = next(rows, [""])[0].strip("`")
            if int(told) != count:
                raise ValueError(f"{told} lines are told, {count} are there")
            return
        if not row:
            continue
        count += 1
        yield _line({title: value.strip().lstrip("`") for title, value in zip(titles, row, strict=True)})
    raise ValueError("the totals are missing: it is not whole")


def _line(row: dict[str, str]) -> BillLine:
    is_refund = row["交易状态"] == "REFUND"
    return BillLine(
        kind=LineKind.REFUND if is_refund else LineKind.PAYMENT,
        out_trade_no=row["商户订单号"],
        transaction=row["微信退款单号"] if is_refund else row["微信订单号"],
        out_refund_no=row["商户退款单号"] if is_refund else None,
        amount=fen(row["退款金额"] if is_refund else row["订单金额"]),
        fee=fen(row["手续费"]),
        at=datetime.fromisoformat(row["交易时间"]).replace(tzinfo=BEIJING),
    )


def fen(yuan: str) -> int:
    """`12.30` -> 1230. WeChat writes fees to five places, and settles them rounded to the fen."""
    return int((Decimal(yuan) * FEN).quantize(Decimal(1), ROUND_HALF_UP))
