"""Alipay's parking service in its own words, and what they mean to us. Pure.

    alipay.eco.mycar.parking.enterinfo.sync      a vehicle came in
    alipay.eco.mycar.parking.exitinfo.sync       and left
    alipay.eco.mycar.parking.agreement.query     does it collect from this plate     -> agreement_status 0: yes
    alipay.eco.mycar.parking.order.pay           collect                             -> trade_no, advance_amount
    alipay.trade.precreate                       a QR code to pay now                -> qr_code
    alipay.trade.query, alipay.trade.close       what became of it
    alipay.trade.refund, alipay.trade.fastpay.refund.query
    alipay.data.dataservice.bill.downloadurl.query                                   -> bill_download_url

Amounts are yuan with two decimals, as text; nothing here is ever a float. Times are Beijing's, to the second.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from billing.channels.protocol import (
    Entry,
    Heard,
    LaterOrder,
    NowOrder,
    PaymentTold,
    PlateState,
    RefundOrder,
    RefundStanding,
    RefundTold,
    Standing,
)

BEIJING: Final = ZoneInfo("Asia/Shanghai")
COLORS: Final = {
    "blue": "BLUE",
    "green": "GREEN",
    "yellow_green": "LIMEGREEN",
    "yellow": "YELLOW",
    "black": "BLACK",
    "white": "WHITE",
}
STANDINGS: Final = {
    "WAIT_BUYER_PAY": Standing.WAITING,
    "TRADE_CLOSED": Standing.CLOSED,
    "TRADE_SUCCESS": Standing.SUCCEEDED,
    "TRADE_FINISHED": Standing.SUCCEEDED,
}
SUBJECT_CHARACTERS_MAX: Final = 128
NAME_CHARACTERS_MAX: Final = 32
_YUAN: Final = re.compile(r"(-?)([0-9]{1,9})(?:\.([0-9]{1,2}))?", re.ASCII)


class Unreadable(ValueError):
    """It is Alipay's, and says nothing that we know."""


def yuan(fen: int) -> str:
    """1230 -> `12.30`."""
    sign, whole = ("-" if fen < 0 else ""), abs(fen)
    return f"{sign}{whole // 100}.{whole % 100:02d}"


def fen(text: object) -> int:
    """`12.30`, `12.3` and `12` -> 1230, 1230 and 1200. Raises Unreadable."""
    match = _YUAN.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise Unreadable("no amount in yuan")
    amount = int(match[2]) * 100 + int((match[3] or "").ljust(2, "0"))
    return -amount if match[1] else amount


def clock_time(moment: datetime) -> str:
    return moment.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S")


def read_time(text: object) -> datetime | None:
    """Of `2026-11-24 08:00:00`, Beijing's."""
    try:
        return datetime.strptime(str(text), "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING)
    except ValueError:
        return None


def entered(entry: Entry, parking_id: str) -> dict[str, Any]:
    return {
        "parking_id": parking_id,
        "car_number": entry.vehicle.number,
        "car_color": COLORS[entry.vehicle.color],
        "in_time": clock_time(entry.entry_at),
        "out_serial_no": entry.session.rpartition("_")[2],
        "agreement_query": True,
    } | ({"free_minutes": entry.free_s // 60} if entry.free_s >= 60 else {})


def left(order: LaterOrder, parking_id: str) -> dict[str, Any]:
    return {
        "parking_id": parking_id,
        "car_number": order.entry.vehicle.number,
        "out_time": clock_time(order.exit_at),
        "out_serial_no": order.entry.session.rpartition("_")[2],
    }


def later(order: LaterOrder, *, parking_id: str, seller_id: str) -> dict[str, Any]:
    vehicle = order.entry.vehicle
    asked = {
        "car_number": vehicle.number,
        "car_number_color": COLORS[vehicle.color],
        "out_trade_no": order.out_trade_no,
        "subject": order.description[:SUBJECT_CHARACTERS_MAX],
        "total_fee": yuan(order.amount),
        "seller_id": seller_id,
        "parking_id": parking_id,
        "out_parking_id": order.entry.car_park[:NAME_CHARACTERS_MAX],
        "is_advance": True,
    }
    return asked | ({"serial_no": order.parking_id} if order.parking_id else {})


def now(order: NowOrder, *, seller_id: str) -> dict[str, Any]:
    return {
        "out_trade_no": order.out_trade_no,
        "total_amount": yuan(order.amount),
        "subject": order.description[:SUBJECT_CHARACTERS_MAX],
        "seller_id": seller_id,
        "time_expire": clock_time(order.expires_at),
    }


def refund(order: RefundOrder) -> dict[str, Any]:
    return {
        "out_trade_no": order.out_trade_no,
        "out_request_no": order.out_refund_no,
        "refund_amount": yuan(order.amount),
        "refund_reason": order.reason[:80],
    }


def agreement(document: Mapping[str, Any]) -> PlateState:
    """Alipay says only whether it collects."""
    return PlateState.NORMAL if str(document.get("agreement_status")) == "0" else PlateState.OUT_SERVICE


def collected(document: Mapping[str, Any], out_trade_no: str) -> PaymentTold:
    """Of `order.pay`, which answers when it has the money, or (10003) while it is still at it. Raises Unreadable."""
    if document.get("code") == "10003":
        return PaymentTold(out_trade_no=out_trade_no, standing=Standing.ACCEPTED)
    return PaymentTold(
        out_trade_no=_same(document, "out_trade_no", out_trade_no),
        standing=Standing.SUCCEEDED,
        amount=fen(document.get("total_fee")),
        transaction=_text(document, "trade_no"),
        is_advanced=bool(document.get("advance_amount")) and fen(document.get("advance_amount")) > 0,
        at=read_time(document.get("gmt_payment")),
    )


def payment(document: Mapping[str, Any]) -> PaymentTold:
    """Of a query, or of a notification. Raises Unreadable."""
    standing = STANDINGS.get(str(document.get("trade_status")))
    if standing is None:
        raise Unreadable("no state of a payment that we know")
    has_amount = document.get("total_amount") is not None
    return PaymentTold(
        out_trade_no=_text(document, "out_trade_no"),
        standing=standing,
        amount=fen(document.get("total_amount")) if has_amount else None,
        transaction=_text(document, "trade_no") if document.get("trade_no") else None,
        at=read_time(document.get("gmt_payment") or document.get("send_pay_date")),
    )


def given_back(document: Mapping[str, Any], order: RefundOrder) -> RefundTold:
    """Of `trade.refund`: `fund_change` N means that nothing moved now; whether it did before is asked."""
    moved = document.get("fund_change") == "Y"
    return RefundTold(
        out_refund_no=order.out_refund_no,
        standing=RefundStanding.SUCCEEDED if moved else RefundStanding.PROCESSING,
        amount=order.amount if moved else None,
        transaction=str(document["trade_no"])[:64] if document.get("trade_no") else None,
    )


def refund_status(document: Mapping[str, Any], out_refund_no: str) -> RefundTold:
    """Of `fastpay.refund.query`: no amount, no refund."""
    if document.get("refund_status") == "REFUND_SUCCESS" or (
        document.get("refund_amount") and "refund_status" not in document
    ):
        return RefundTold(
            out_refund_no=out_refund_no,
            standing=RefundStanding.SUCCEEDED,
            amount=fen(document.get("refund_amount")),
            transaction=str(document["trade_no"])[:64] if document.get("trade_no") else None,
        )
    return RefundTold(out_refund_no=out_refund_no, standing=RefundStanding.UNKNOWN)


def notification(parameters: Mapping[str, str]) -> Heard:
    """Of a trade: paid, closed, or (with `refund_fee`) something of it was given back, which says nothing new."""
    told: PaymentTold | RefundTold | None = None
    try:
        paid = told = payment(parameters)
        if parameters.get("out_biz_no") and parameters.get("refund_fee"):
            told = RefundTold(
                out_refund_no=_word(parameters["out_biz_no"]),
                standing=RefundStanding.PROCESSING,
                transaction=paid.transaction,
            )
    except Unreadable:
        told = None
    number, kind = (_word(parameters.get(name, "")) for name in ("notify_id", "notify_type"))
    return Heard(id=number, kind=kind, told=told, raw=dict(parameters))


def _word(value: str) -> str:
    """Empty where it is none."""
    return value if len(value) <= 128 and value.isprintable() else ""


def _text(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= 64 or not value.isprintable():
        raise Unreadable(f"no {name}")
    return value


def _same(document: Mapping[str, Any], name: str, wanted: str) -> str:
    if document.get(name) != wanted:
        raise Unreadable(f"another {name}")
    return wanted
