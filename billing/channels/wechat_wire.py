"""WeChat Pay's parking service in its own words, partner mode, and what they mean to us. Pure.

    POST /v3/vehicle/parking/parkings                         a vehicle came in        -> id, state, block_reason
    POST /v3/vehicle/transactions/parking                     collect                  -> trade_state
    GET  /v3/vehicle/transactions/out-trade-no/{n}            what became of it
    GET  /v3/vehicle/parking/services/find                    does it collect from this plate
    POST /v3/pay/partner/transactions/native                  a QR code to pay now     -> code_url
    GET  /v3/pay/partner/transactions/out-trade-no/{n}        what became of it
    POST /v3/pay/partner/transactions/out-trade-no/{n}/close
    POST /v3/refund/domestic/refunds, GET .../{out_refund_no}
    GET  /v3/bill/tradebill                                   yesterday                -> download_url, hash_value

Times are Beijing's, to the second. `free_duration` is always there, also as 0: WeChat wants it.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from billing.channels.protocol import (
    Announced,
    Entry,
    Heard,
    LaterOrder,
    NowOrder,
    PaymentTold,
    Plate,
    PlateState,
    PlateTold,
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
_OURS: Final = {theirs: ours for ours, theirs in COLORS.items()}
STANDINGS: Final = {
    "SUCCESS": Standing.SUCCEEDED,
    "PAY_BACK": Standing.SUCCEEDED,
    "REFUND": Standing.SUCCEEDED,  # it was paid; what went back is a refund's own business
    "ACCEPTED": Standing.ACCEPTED,
    "NOTPAY": Standing.WAITING,
    "USERPAYING": Standing.WAITING,
    "PAY_FAIL": Standing.FAILED,
    "PAYERROR": Standing.FAILED,
    "REVOKED": Standing.CLOSED,
    "CLOSED": Standing.CLOSED,
}
REFUNDS: Final = {
    "PROCESSING": RefundStanding.PROCESSING,
    "SUCCESS": RefundStanding.SUCCEEDED,
    "CLOSED": RefundStanding.FAILED,
    "ABNORMAL": RefundStanding.FAILED,
}
ADVANCED: Final = "BPA"
"""The bank of a payment that WeChat made out of its own pocket."""
NAME_CHARACTERS_MAX: Final = 32
TEXT_CHARACTERS_MAX: Final = 127
REASON_CHARACTERS_MAX: Final = 80


class Unreadable(ValueError):
    """It is WeChat's, and says nothing that we know."""


def find(vehicle: Plate, openid: str, *, appid: str, sub_mchid: str) -> str:
    """The address that asks whether WeChat collects from `vehicle`; quoted before it is signed."""
    asked = {
        "appid": appid,
        "sub_mchid": sub_mchid,
        "plate_number": vehicle.number,
        "plate_color": COLORS[vehicle.color],
        "openid": openid,
    }
    return f"/v3/vehicle/parking/services/find?{urlencode(asked, quote_via=quote)}"


def parking(entry: Entry, *, sub_mchid: str, notify_url: str) -> dict[str, Any]:
    """A vehicle came in."""
    return {
        "sub_mchid": sub_mchid,
        "out_parking_no": number_of(entry.session),
        **_plate(entry.vehicle),
        "notify_url": notify_url,
        "start_time": _time(entry.entry_at),
        "parking_name": entry.car_park_name[:NAME_CHARACTERS_MAX],
        "free_duration": entry.free_s,
    }


def later(
    order: LaterOrder, parking_id: str, *, appid: str, sub_mchid: str, notify_url: str, profit_sharing: bool
) -> dict[str, Any]:
    """Collect."""
    entry = order.entry
    return {
        "appid": appid,
        "sub_mchid": sub_mchid,
        "description": order.description[:TEXT_CHARACTERS_MAX],
        "out_trade_no": order.out_trade_no,
        "trade_scene": "PARKING",
        "notify_url": notify_url,
        "profit_sharing": "Y" if profit_sharing else "N",
        "amount": {"total": order.amount, "currency": "CNY"},
        "parking_info": {
            "parking_id": parking_id,
            **_plate(entry.vehicle),
            "start_time": _time(entry.entry_at),
            "end_time": _time(order.exit_at),
            "parking_name": entry.car_park_name[:NAME_CHARACTERS_MAX],
            "charging_duration": max(1, int((order.exit_at - entry.entry_at).total_seconds())),
            "device_id": order.lane[:NAME_CHARACTERS_MAX],
        },
    }


def native(order: NowOrder, *, appid: str, mch_id: str, sub_mchid: str, notify_url: str) -> dict[str, Any]:
    """A QR code."""
    return {
        "sp_appid": appid,
        "sp_mchid": mch_id,
        "sub_mchid": sub_mchid,
        "description": order.description[:TEXT_CHARACTERS_MAX],
        "out_trade_no": order.out_trade_no,
        "time_expire": _time(order.expires_at),
        "notify_url": notify_url,
        "amount": {"total": order.amount, "currency": "CNY"},
    }


def refund(order: RefundOrder, *, sub_mchid: str, notify_url: str) -> dict[str, Any]:
    """Give back."""
    return {
        "sub_mchid": sub_mchid,
        "out_trade_no": order.out_trade_no,
        "out_refund_no": order.out_refund_no,
        "reason": order.reason[:REASON_CHARACTERS_MAX],
        "notify_url": notify_url,
        "amount": {"refund": order.amount, "total": order.paid, "currency": "CNY"},
    }


def announced(document: Mapping[str, Any]) -> Announced:
    """Raises Unreadable."""
    return Announced(_text(document, "id"), _plate_state(document.get("state"), document.get("block_reason")))


def service_state(document: Mapping[str, Any]) -> PlateState:
    """Of `services/find`. Raises Unreadable."""
    try:
        return PlateState(str(document["service_state"]).lower())
    except (KeyError, ValueError):
        raise Unreadable("no state of a service") from None


def payment(document: Mapping[str, Any]) -> PaymentTold:
    """Of an answer or a notification. Raises Unreadable."""
    state = document.get("trade_state")
    standing = STANDINGS.get(str(state))
    if standing is None:
        raise Unreadable("no state of a payment that we know")
    amount, about = document.get("amount"), document.get("parking_info")
    total = amount.get("total") if isinstance(amount, dict) else None
    if total is not None and (not isinstance(total, int) or isinstance(total, bool)):
        raise Unreadable("an amount that is no whole number of fen")
    reason = document.get("trade_state_description") or document.get("trade_state_desc")
    return PaymentTold(
        out_trade_no=_text(document, "out_trade_no"),
        standing=standing,
        amount=total,
        transaction=_text(document, "transaction_id") if document.get("transaction_id") else None,
        plate=_read_plate(about) if isinstance(about, dict) else None,
        is_advanced=document.get("bank_type") == ADVANCED,
        is_repaid=state == "PAY_BACK" or document.get("user_repaid") == "Y",
        error=str(reason)[:200] if reason and standing in (Standing.FAILED, Standing.CLOSED) else None,
        at=_moment(document.get("success_time")),
    )


def refunded(document: Mapping[str, Any]) -> RefundTold:
    """Of an answer (`status`) or a notification (`refund_status`). Raises Unreadable."""
    status = str(document.get("refund_status") or document.get("status"))
    amount = document.get("amount")
    if status not in REFUNDS:
        raise Unreadable("no state of a refund that we know")
    return RefundTold(
        out_refund_no=_text(document, "out_refund_no"),
        standing=REFUNDS[status],
        amount=amount.get("refund") if isinstance(amount, dict) else None,
        transaction=str(document["refund_id"]) if document.get("refund_id") else None,
        error=status.lower() if REFUNDS[status] is RefundStanding.FAILED else None,
    )


def notification(document: Mapping[str, Any], plain: Mapping[str, Any]) -> Heard:
    """`document` as it came, `plain` what was encrypted in it. What cannot be read is told as nothing."""
    kind = str(document.get("event_type", ""))[:64]
    told: PaymentTold | RefundTold | PlateTold | None = None
    try:
        if kind.startswith("TRANSACTION."):
            told = payment(plain)
        elif kind.startswith("REFUND."):
            told = refunded(plain)
        elif kind == "VEHICLE.ENTRANCE_STATE_CHANGE":
            plate = _read_plate(plain)
            if plate is None:
                raise Unreadable("no plate")
            state = _plate_state(plain.get("parking_state"), plain.get("blocked_state_description"))
            at = _moment(plain.get("state_update_time"))
            told = PlateTold(plate, state, session_of(plain.get("out_parking_no")), at)
    except Unreadable:
        told = None
    return Heard(id=str(document.get("id", ""))[:64], kind=kind, told=told, raw=plain)


def number_of(our_id: str) -> str:
    """`ses_0199...` as WeChat takes it: 32 letters and digits."""
    return our_id.rpartition("_")[2]


def session_of(number: object) -> str | None:
    return f"ses_{number}" if isinstance(number, str) and number else None


def _plate(vehicle: Plate) -> dict[str, str]:
    return {"plate_number": vehicle.number, "plate_color": COLORS[vehicle.color]}


def _read_plate(document: Mapping[str, Any]) -> Plate | None:
    """A color that we do not know is no color of ours: it fits no vehicle."""
    number, color = document.get("plate_number"), _OURS.get(str(document.get("plate_color")), "")
    return Plate(number, color) if isinstance(number, str) else None


def _plate_state(state: object, reason: object) -> PlateState:
    """`NORMAL`, or `BLOCKED` for a reason; REMOVE: the driver took the plate out."""
    if state == "NORMAL":
        return PlateState.NORMAL
    if state not in ("BLOCKED", "PAUSE", "OVERDUE", "OUT_SERVICE"):
        raise Unreadable("no state of a vehicle that we know")
    word = str(reason if state == "BLOCKED" else state)
    return {"PAUSE": PlateState.PAUSE, "OVERDUE": PlateState.OVERDUE}.get(word, PlateState.OUT_SERVICE)


def _text(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= 64:
        raise Unreadable(f"no {name}")
    return value


def _time(moment: datetime) -> str:
    return moment.astimezone(BEIJING).isoformat(timespec="seconds")


def _moment(text: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None
