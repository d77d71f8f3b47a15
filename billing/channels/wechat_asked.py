"""WeChat Pay's parking service as it is asked, partner mode; `wechat_told` reads the answers. Pure.

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

from datetime import datetime
from typing import Any, Final
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from billing.channels.protocol import Entry, LaterOrder, NowOrder, Plate, RefundOrder

BEIJING: Final = ZoneInfo("Asia/Shanghai")
COLORS: Final = {
    "blue": "BLUE",
    "green": "GREEN",
    "yellow_green": "LIMEGREEN",
    "yellow": "YELLOW",
    "black": "BLACK",
    "white": "WHITE",
}
NAME_CHARACTERS_MAX: Final = 32
TEXT_CHARACTERS_MAX: Final = 127
REASON_CHARACTERS_MAX: Final = 80


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


def number_of(our_id: str) -> str:
    """`ses_0199...` as WeChat takes it: 32 letters and digits."""
    return our_id.rpartition("_")[2]


def _plate(vehicle: Plate) -> dict[str, str]:
    return {"plate_number": vehicle.number, "plate_color": COLORS[vehicle.color]}


def _time(moment: datetime) -> str:
    return moment.astimezone(BEIJING).isoformat(timespec="seconds")
