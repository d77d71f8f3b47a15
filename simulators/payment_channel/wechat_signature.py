"""WeChat Pay's signatures: a merchant's over its request exactly as sent, ours over answers and notices. Pure."""

import re
import secrets
from datetime import datetime, timedelta
from typing import Final

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from simulators.payment_channel import keys

SCHEME: Final = "WECHATPAY2-SHA256-RSA2048"
SKEW_MAX: Final = timedelta(minutes=5)
SIGN_TEST: Final = "WECHATPAY/SIGNTEST/"
_PART: Final = re.compile(r'(\w+)="([^"]*)"')


class NotSigned(Exception):
    """The request is not the merchant's, or not of our time."""


def check_request(
    authorization: str,
    *,
    mchid: str,
    serial: str,
    key: RSAPublicKey,
    method: str,
    target: str,
    body: bytes,
    now: datetime,
) -> None:
    """`target` is the path and query as they stood in the request line. Raises NotSigned."""
    scheme, _, rest = authorization.partition(" ")
    if scheme != SCHEME:
        raise NotSigned(f"the scheme is not {SCHEME}")
    parts = dict(_PART.findall(rest))
    if missing := {"mchid", "nonce_str", "signature", "timestamp", "serial_no"} - parts.keys():
        raise NotSigned(f"Authorization lacks {', '.join(sorted(missing))}")
    if (parts["mchid"], parts["serial_no"].upper()) != (mchid, serial.upper()):
        raise NotSigned("no such merchant or certificate")
    if not re.fullmatch(r"\d{10}", parts["timestamp"]) or not 1 <= len(parts["nonce_str"]) <= 32:
        raise NotSigned("timestamp or nonce has the wrong form")
    if abs(now.timestamp() - int(parts["timestamp"])) > SKEW_MAX.total_seconds():
        raise NotSigned("the timestamp is more than five minutes off")
    signed = f"{method}\n{target}\n{parts['timestamp']}\n{parts['nonce_str']}\n".encode() + body + b"\n"
    if not keys.verifies(key, signed, parts["signature"]):
        raise NotSigned("the signature is not this request's")


def headers_for(key: RSAPrivateKey, serial: str, body: bytes, at: datetime) -> dict[str, str]:
    """What an answer or a notice carries."""
    timestamp, nonce = str(int(at.timestamp())), secrets.token_hex(16)
    return {
        "Wechatpay-Timestamp": timestamp,
        "Wechatpay-Nonce": nonce,
        "Wechatpay-Serial": serial,
        "Wechatpay-Signature": keys.sign(key, f"{timestamp}\n{nonce}\n".encode() + body + b"\n"),
        "Wechatpay-Signature-Type": SCHEME,
    }
