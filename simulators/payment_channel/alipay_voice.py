"""Alipay's notices: a form, signed with RSA2, told eight times within 25 hours until `success` is answered."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from simulators.payment_channel import alipay_signature, keys
from simulators.payment_channel.bill import yuan
from simulators.payment_channel.mischief import Fault
from simulators.payment_channel.notices import Kind, Letter, Notice
from simulators.payment_channel.parties import Alipay
from simulators.payment_channel.truth import Order, Refund
from simulators.payment_channel.wechat_words import BEIJING

_MINUTE: Final = 60.0
_HOUR: Final = 3_600.0
RETRIES_S: Final = (4 * _MINUTE, 10 * _MINUTE, 10 * _MINUTE, _HOUR, 2 * _HOUR, 6 * _HOUR, 15 * _HOUR)
"""As documented: 4 min, 10 min, 10 min, 1 h, 2 h, 6 h, 15 h."""
_STALE: Final = timedelta(hours=26)


def moment(at: datetime) -> str:
    """`2026-11-24 20:00:00`, Beijing's."""
    return f"{at.astimezone(BEIJING):%Y-%m-%d %H:%M:%S}"


class AlipayVoice:
    """Words and signs."""

    tells = frozenset({Kind.PAID, Kind.FAILED, Kind.REFUNDED})

    def __init__(self, parties: Alipay) -> None:
        self._parties = parties
        self._key = keys.read_private(parties.alipay_key)

    @property
    def retries_s(self) -> Sequence[float]:
        return RETRIES_S

    def letter(self, notice: Notice, now: datetime, spoil: Fault | None) -> Letter:
        """As it is sent now."""
        said = self._said(notice) | {
            "notify_id": notice.id if spoil is None else f"{notice.id}{spoil[:4]}",
            "notify_time": moment(now - _STALE if spoil == "stale_time" else now),
            "app_id": self._parties.app_id,
            "auth_app_id": self._parties.app_id,
            "seller_id": self._parties.seller_id,
            "charset": "utf-8",
            "version": "1.0",
            "sign_type": alipay_signature.SIGN_TYPE,
        }
        if spoil == "wrong_amount":
            said["total_amount"] = yuan(_order_of(notice).amount + 100)
        text = alipay_signature.signed_text(said, alipay_signature.NOTICE)
        is_forged = spoil in ("bad_signature", "sign_test")
        said["sign"] = keys.sign(self._key, secrets.token_bytes(16) if is_forged else text)
        headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
        return Letter(headers, urlencode(said).encode())

    def is_taken(self, status: int, body: bytes) -> bool:
        """The seven letters, and nothing else."""
        return status == 200 and body == b"success"

    def _said(self, notice: Notice) -> dict[str, str]:
        order = _order_of(notice)
        said = {
            "notify_type": "trade_status_sync",
            "trade_no": order.transaction,
            "out_trade_no": order.number,
            "buyer_id": "2088000000000099",
            "trade_status": "TRADE_CLOSED" if notice.kind is Kind.FAILED else "TRADE_SUCCESS",
            "total_amount": yuan(order.amount),
            "gmt_create": moment(order.created_at),
        }
        if order.succeeded_at is not None:
            said |= {
                "receipt_amount": yuan(order.amount),
                "buyer_pay_amount": yuan(order.amount),
                "gmt_payment": moment(order.succeeded_at),
            }
        if isinstance(notice.about, Refund):
            said |= {
                "out_biz_no": notice.about.number,
                "refund_fee": yuan(order.refunded),
                "gmt_refund": moment(notice.at),
            }
        return said


def _order_of(notice: Notice) -> Order:
    order = notice.about if isinstance(notice.about, Order) else notice.order
    if order is None:
        raise ValueError("a refund's notice tells of its order")
    return order
