"""Alipay's bill of a day: a zip with CSV in GBK, comment lines that begin with `#`, tabs around its values. Pure."""

import csv
import io
import zipfile
from collections.abc import Iterator
from typing import Final

from billing.channels.alipay_wire import Unreadable, fen, read_time
from billing.channels.protocol import BillLine, ChannelAway, LineKind

DETAILS: Final = "业务明细.csv"
SUMMARY: Final = "汇总"
"""In the name of the other file, of totals only."""
REFUND: Final = "退款"
FILES_MAX: Final = 4
FILE_BYTES_MAX: Final = 256 * 1024 * 1024
"""Unpacked: a zip may hold a thousand times its size."""


def read_bill(document: bytes) -> list[BillLine]:
    """The lines of the zip `document`. Raises ChannelAway for what is no bill."""
    try:
        with zipfile.ZipFile(io.BytesIO(document)) as packed:
            if len(packed.infolist()) > FILES_MAX:
                raise ValueError("too many files")
            for info in packed.infolist():
                name = info.filename if info.flag_bits & 0x800 else _gbk_name(info.filename)
                if name.endswith(".csv") and SUMMARY not in name:
                    if info.file_size > FILE_BYTES_MAX:
                        raise ValueError("too large")
                    return list(_lines(packed.read(info).decode("gbk")))
        raise ValueError("no details")
    except (
        zipfile.BadZipFile,
        KeyError,
        ValueError,
        IndexError,
        csv.Error,
        NotImplementedError,
        RuntimeError,
    ) as error:
        raise ChannelAway(f"the bill cannot be read: {type(error).__name__}") from error


def _gbk_name(name: str) -> str:
    """zipfile takes names that are not marked as UTF-8 for those of an old DOS."""
    return name.encode("cp437").decode("gbk", errors="replace")


def _lines(text: str) -> Iterator[BillLine]:
    kept, is_ended = [], False
    for line in text.splitlines():
        if line.startswith("#"):
            is_ended = is_ended or "结束" in line
        elif line.strip():
            kept.append(line)
    if not is_ended:
        raise ValueError("it is not whole")
    rows = csv.reader(kept)
    titles = [title.strip() for title in next(rows, [])]
    for values in rows:
        yield _line({title: value.strip() for title, value in zip(titles, values, strict=False)})


def _line(row: dict[str, str]) -> BillLine:
    at = read_time(row["完成时间"])
    if at is None:
        raise Unreadable("no time")
    is_refund = row["业务类型"] == REFUND
    return BillLine(
        kind=LineKind.REFUND if is_refund else LineKind.PAYMENT,
        out_trade_no=row["商户订单号"],
        transaction=row["支付宝交易号"],
        out_refund_no=row["退款批次号/请求号"] if is_refund else None,
        amount=abs(fen(row["订单金额（元）"])),
        fee=-fen(row["服务费（元）"]),
        at=at,
    )
