"""What WeChat Pay's parking service answers and tells, and what it means to us. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from billing.channels.protocol import (
    Announced,
    Heard,
    PaymentTold,
    Plate,
    PlateState,
    PlateTold,
    RefundStanding,
    RefundTold,
    Standing,
)
from billing.channels.wechat_asked import COLORS

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


class Unreadable(ValueError):
    """It is WeChat's, and says nothing that we know."""


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
    kind, number = _word(document.get("event_type")), _word(document.get("id"))
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
    return Heard(id=number, kind=kind, told=told, raw=plain)


def session_of(number: object) -> str | None:
    return f"ses_{number}" if isinstance(number, str) and number else None


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


def _word(value: object) -> str:
    """Empty where it is none."""
    return value if isinstance(value, str) and len(value) <= 64 and value.isprintable() else ""


def _text(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= 64 or not value.isprintable():
        raise Unreadable(f"no {name}")
    return value


def _moment(text: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None
