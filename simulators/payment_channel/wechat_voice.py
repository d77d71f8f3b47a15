"""WeChat Pay's notices: sealed with the merchant's APIv3 key, signed with the channel's, told for 24 hours."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from simulators.payment_channel import keys, wechat_words
from simulators.payment_channel.mischief import Fault
from simulators.payment_channel.notices import Kind, Letter, Notice
from simulators.payment_channel.parties import WeChat
from simulators.payment_channel.wechat_signature import SIGN_TEST, headers_for

_MINUTE: Final = 60.0
_HOUR: Final = 3_600.0
RETRIES_S: Final = (
    *(15.0, 15.0, 30.0),
    *(3 * _MINUTE, 10 * _MINUTE, 20 * _MINUTE, 30 * _MINUTE, 30 * _MINUTE, 30 * _MINUTE, 60 * _MINUTE),
    *(3 * _HOUR, 3 * _HOUR, 3 * _HOUR, 6 * _HOUR, 6 * _HOUR),
)
"""24 h and 4 min, as documented."""
_STALE: Final = timedelta(hours=26)


class WeChatVoice:
    """Words, seals and signs."""

    tells = frozenset(Kind)

    def __init__(self, parties: WeChat) -> None:
        self._parties = parties
        self._key = keys.read_private(parties.platform_key)

    @property
    def retries_s(self) -> Sequence[float]:
        return RETRIES_S

    def letter(self, notice: Notice, now: datetime, spoil: Fault | None) -> Letter:
        """As it is sent now."""
        inner = wechat_words.resource(self._parties, notice)
        _spoil(inner, spoil)
        kind = "refund" if notice.kind.value.startswith("refund") else "transaction"
        nonce, sealed = keys.seal(self._parties.api_v3_key.encode(), msgspec.json.encode(inner), kind.encode())
        outer = {
            "id": notice.id if spoil is None else f"{notice.id}-{spoil[:4]}"[:36],
            "create_time": wechat_words.moment(notice.at),
            "event_type": wechat_words.EVENTS[notice.kind],
            "resource_type": "encrypt-resource",
            "summary": "停车",
            "resource": {
                "original_type": kind,
                "algorithm": "AEAD_AES_256_GCM",
                "ciphertext": sealed,
                "associated_data": kind,
                "nonce": nonce,
            },
        }
        body = msgspec.json.encode(outer)
        at = now - _STALE if spoil == "stale_time" else now
        headers = headers_for(self._key, self._parties.platform_serial, body, at)
        if spoil == "bad_signature":
            headers["Wechatpay-Signature"] = keys.sign(self._key, secrets.token_bytes(16))
        if spoil == "sign_test":
            headers["Wechatpay-Signature"] = SIGN_TEST + headers["Wechatpay-Signature"]
        return Letter(headers | {"Content-Type": "application/json", "User-Agent": "Mozilla/4.0"}, body)

    def is_taken(self, status: int, body: bytes) -> bool:
        """200 or 204, whatever it says."""
        return status in (200, 204)


def _spoil(inner: dict[str, Any], spoil: Fault | None) -> None:
    """Makes the sealed part untrue, in its amount or its plate."""
    if spoil == "wrong_amount" and "amount" in inner:
        inner["amount"] = {**inner["amount"], "total": inner["amount"]["total"] + 100}
    if spoil == "wrong_plate" and "parking_info" in inner:
        info = inner["parking_info"]
        inner["parking_info"] = {**info, "plate_color": wechat_words.another(info["plate_color"])}
