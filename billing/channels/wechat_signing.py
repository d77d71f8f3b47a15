"""WeChat Pay APIv3's own cryptography: what we sign, what we believe, what we decrypt. Pure.

Signed with RSA-SHA256 (PKCS #1 v1.5), each field on a line of its own:

    request         METHOD\\nPATH?QUERY\\nTIMESTAMP\\nNONCE\\nBODY\\n   as they are sent: a plate is quoted first
    notification    TIMESTAMP\\nNONCE\\nBODY\\n                       and every answer likewise

WeChat probes receivers with signatures that do not fit: they begin with `WECHATPAY/SIGNTEST/` and are refused like any
other that does not. What a notification says is encrypted (AES-256-GCM) with the merchant's APIv3 key.
"""

import base64
import binascii
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256

SCHEME: Final = "WECHATPAY2-SHA256-RSA2048"
SIGNTEST: Final = "WECHATPAY/SIGNTEST/"
SKEW_MAX: Final = timedelta(minutes=5)
"""What is older may have been heard by somebody and told again; WeChat signs anew each time it repeats itself."""
APIV3_KEY_BYTES: Final = 32


class NotWechat(ValueError):
    """Not signed by WeChat Pay, not of our time, or not for us; the message says which, and nothing of the content."""


def authorization(
    key: RSAPrivateKey, *, mch_id: str, serial: str, method: str, address: str, at: datetime, nonce: str, body: bytes
) -> str:
    """The Authorization header of a request; `address` is path and query, quoted as they are sent."""
    timestamp = str(int(at.timestamp()))
    signature = sign(key, f"{method}\n{address}\n{timestamp}\n{nonce}\n".encode() + body + b"\n")
    fields = {"mchid": mch_id, "nonce_str": nonce, "signature": signature, "timestamp": timestamp, "serial_no": serial}
    return f"{SCHEME} " + ",".join(f'{name}="{value}"' for name, value in fields.items())


def sign(key: RSAPrivateKey, text: bytes) -> str:
    """RSA-SHA256 in base64."""
    return base64.b64encode(key.sign(text, PKCS1v15(), SHA256())).decode()


def check(keys: Mapping[str, RSAPublicKey], headers: Mapping[str, str], body: bytes, now: datetime) -> None:
    """That WeChat Pay has signed just these bytes, lately. `keys` by serial number or key id. Raises NotWechat."""
    given = {name.lower(): value for name, value in headers.items()}
    timestamp, nonce, signature, serial = (
        given.get(f"wechatpay-{name}", "") for name in ("timestamp", "nonce", "signature", "serial")
    )
    if not (timestamp and nonce and signature and serial):
        raise NotWechat("not signed")
    if given.get("wechatpay-signature-type", SCHEME) != SCHEME:
        raise NotWechat("signed in another way than we know")
    if signature.startswith(SIGNTEST):
        raise NotWechat("a probe whose signature is meant to be refused")
    if abs(now - _moment(timestamp)) > SKEW_MAX:
        raise NotWechat(f"signed more than {SKEW_MAX.seconds} s from our time")
    key = keys.get(serial)
    if key is None:
        raise NotWechat("signed with a key that we do not know")
    try:
        raw = base64.b64decode(signature, validate=True)
        key.verify(raw, f"{timestamp}\n{nonce}\n".encode() + body + b"\n", PKCS1v15(), SHA256())
    except (InvalidSignature, binascii.Error, ValueError):
        raise NotWechat("the signature does not fit") from None


def decrypt(apiv3_key: bytes, resource: object) -> bytes:
    """The plain text of a notification's `resource`. Raises NotWechat."""
    if not isinstance(resource, dict) or resource.get("algorithm") != "AEAD_AES_256_GCM":
        raise NotWechat("encrypted in another way than we know")
    try:
        nonce, extra = str(resource["nonce"]).encode(), str(resource.get("associated_data") or "").encode()
        return AESGCM(apiv3_key).decrypt(nonce, base64.b64decode(resource["ciphertext"], validate=True), extra)
    except (KeyError, TypeError, ValueError, InvalidTag):
        raise NotWechat("not encrypted with our key") from None


def _moment(timestamp: str) -> datetime:
    try:
        if not (timestamp.isascii() and timestamp.isdigit()):
            raise ValueError
        return datetime.fromtimestamp(int(timestamp), UTC)
    except (ValueError, OverflowError, OSError):
        raise NotWechat("no time") from None
