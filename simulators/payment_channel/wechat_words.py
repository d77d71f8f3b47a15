"""What WeChat Pay answers and tells: objects of its JSON, made of what it knows. Pure."""

from datetime import datetime, timedelta, timezone
from typing import Any, Final

from simulators.payment_channel.notices import Kind, Notice
from simulators.payment_channel.parties import WeChat
from simulators.payment_channel.truth import Entry, Order, OrderState, PlateState, Refund, RefundState, Vehicle
from simulators.payment_channel.wechat_fields import COLORS, COLORS_BACK

BEIJING: Final = timezone(timedelta(hours=8))
_LATER: Final = {
    OrderState.ACCEPTED: "ACCEPTED",
    OrderState.SUCCEEDED: "SUCCESS",
    OrderState.FAILED: "PAY_FAIL",
}
_NOW: Final = {
    OrderState.WAITING: "NOTPAY",
    OrderState.SUCCEEDED: "SUCCESS",
    OrderState.FAILED: "PAYERROR",
    OrderState.CLOSED: "CLOSED",
}
_REFUND: Final = {
    RefundState.PROCESSING: "PROCESSING",
    RefundState.SUCCEEDED: "SUCCESS",
    RefundState.FAILED: "ABNORMAL",
}
EVENTS: Final = {
    Kind.PAID: "TRANSACTION.SUCCESS",
    Kind.FAILED: "TRANSACTION.FAIL",
    Kind.REPAID: "TRANSACTION.PAY_BACK",
    Kind.REFUNDED: "REFUND.SUCCESS",
    Kind.REFUND_FAILED: "REFUND.ABNORMAL",
    Kind.PLATE: "VEHICLE.ENTRANCE_STATE_CHANGE",
}


def moment(at: datetime) -> str:
    """`2026-11-24T20:00:00+08:00`."""
    return at.astimezone(BEIJING).isoformat(timespec="seconds")


def plate_in(body: dict[str, Any]) -> Vehicle:
    """The vehicle that a checked request names."""
    return Vehicle(body["plate_number"], COLORS_BACK[body["plate_color"]])


def parking(entry: Entry, state: PlateState) -> dict[str, Any]:
    """Of an entry, with whether its vehicle may use the service."""
    names = ("out_parking_no", "plate_number", "plate_color", "start_time", "parking_name", "free_duration")
    said = {"id": entry.id} | {name: entry.told[name] for name in names}
    if state is PlateState.NORMAL:
        return said | {"state": "NORMAL"}
    return said | {"state": "BLOCKED", "block_reason": str(state)}


def transaction(parties: WeChat, order: Order) -> dict[str, Any]:
    """Of an order, as its query answers and its notice tells."""
    is_later = order.way == "later"
    state = _LATER[order.state] if is_later else _NOW[order.state]
    if order.refunded and order.state is OrderState.SUCCEEDED:
        state = "REFUND"
    amount: dict[str, Any] = {"total": order.amount, "currency": "CNY"}
    said: dict[str, Any] = {
        "sp_mchid": parties.mchid,
        "sub_mchid": order.told["sub_mchid"],
        "out_trade_no": order.number,
        "trade_state": state,
        "trade_state_description": order.error or state,
        "payer": {"openid": "oUpF8uMuAJOM2pxb1Q"} if is_later else {"sp_openid": "oUpF8uMuAJOM2pxb1Q"},
        "amount": amount,
    }
    said |= {"attach": order.told["attach"]} if "attach" in order.told else {}
    if is_later:
        said |= {
            "appid": order.told["appid"],
            "description": order.told["description"],
            "create_time": moment(order.created_at),
            "trade_scene": "PARKING",
            "parking_info": order.told["parking_info"],
        }
    else:
        said |= {"sp_appid": order.told["sp_appid"], "trade_type": "NATIVE"}
    if order.succeeded_at is not None:
        amount |= {"payer_total": order.amount} | ({} if is_later else {"payer_currency": "CNY"})
        said |= {
            "transaction_id": order.transaction,
            "success_time": moment(order.succeeded_at),
            "bank_type": "BPA" if order.is_advanced else "OTHERS",
        }
        said |= {"user_repaid": "Y" if order.is_repaid else "N"} if order.is_advanced else {}
    return said


def refund(refund: Refund, order: Order) -> dict[str, Any]:
    """Of a refund, as it is answered."""
    said: dict[str, Any] = {
        "refund_id": refund.transaction,
        "out_refund_no": refund.number,
        "transaction_id": order.transaction,
        "out_trade_no": order.number,
        "channel": "ORIGINAL",
        "user_received_account": "支付用户零钱",
        "create_time": moment(refund.created_at),
        "status": _REFUND[refund.state],
        "amount": {
            "total": order.amount,
            "refund": refund.amount,
            "payer_total": order.amount,
            "payer_refund": refund.amount,
            "settlement_refund": refund.amount,
            "settlement_total": order.amount,
            "discount_refund": 0,
            "currency": "CNY",
        },
    }
    return said | ({} if refund.succeeded_at is None else {"success_time": moment(refund.succeeded_at)})


def resource(parties: WeChat, notice: Notice) -> dict[str, Any]:
    """What a notice's envelope holds, before it is sealed."""
    about = notice.about
    if isinstance(about, Order):
        return transaction(parties, about)
    if isinstance(about, Entry):
        state = notice.plate_state or PlateState.NORMAL
        said = {name: about.told[name] for name in about.told if name != "notify_url"}
        said |= {"sp_mchid": parties.mchid, "parking_id": about.id, "state_update_time": moment(notice.at)}
        if state is PlateState.NORMAL:
            return said | {"parking_state": "NORMAL"}
        return said | {"parking_state": "BLOCKED", "blocked_state_description": str(state)}
    if notice.order is None:
        raise ValueError("a refund's notice tells of its order")
    said = refund(about, notice.order)
    status = said.pop("status")
    for name in ("channel", "create_time"):
        said.pop(name)
    amounts = {name: said["amount"][name] for name in ("total", "refund", "payer_total", "payer_refund")}
    return said | {
        "sp_mchid": parties.mchid,
        "sub_mchid": about.told["sub_mchid"],
        "refund_status": status,
        "amount": amounts,
    }


def another(plate_color: str) -> str:
    """A colour that is not this one."""
    return next(color for color in COLORS.values() if color != plate_color)
