"""Requests that are signed instead of carrying a secret: for machines that push over lines nobody vouches for.

    X-Key: 0199f3c2a1b4d5e6            the id of an API key (the 16 digits in bk_live_<id>_<secret>)
    X-Timestamp: 1795476000            seconds since 1970, or RFC 3339 with an offset
    X-Nonce: 5f0c9a...                 never the same twice
    X-Signature: 64 hex digits         HMAC-SHA256 of the lines below

Signed are the method, the address as it is sent, time and nonce as they are sent, and the SHA-256 of the body in hex,
each on a line of its own. The key of the HMAC is the SHA-256 of the API key's secret, which is what is stored of it
(decision 0017). Pure, but for the body, which `kernel.http` reads.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from kernel.access_problems import Unauthenticated

KEY_HEADER: Final = "X-Key"
TIMESTAMP_HEADER: Final = "X-Timestamp"
NONCE_HEADER: Final = "X-Nonce"
SIGNATURE_HEADER: Final = "X-Signature"
HEADERS: Final = (KEY_HEADER, TIMESTAMP_HEADER, NONCE_HEADER, SIGNATURE_HEADER)

SKEW_MAX: Final = timedelta(seconds=300)
"""A clock without NTP drifts by minutes a month; what is older may have been heard by somebody and sent again."""

KEY_ID_FORM: Final = r"[0-9a-f]{16}"
NONCE_FORM: Final = r"[A-Za-z0-9._~+/=:-]{8,128}"

_KEY_ID = re.compile(KEY_ID_FORM, re.ASCII)
_NONCE = re.compile(NONCE_FORM, re.ASCII)
_SIGNATURE = re.compile(r"[0-9A-Fa-f]{64}", re.ASCII)
_SECONDS = re.compile(r"[0-9]{1,12}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Signature:
    """What a signed request says about itself. `at` as it was written is part of what is signed."""

    key_id: str
    timestamp: str
    at: datetime
    nonce: str
    digest: bytes

    def fits(self, secret_sha256: bytes, *, method: str, address: str, body: bytes) -> bool:
        """Whether the holder of the key signed just this request. In constant time."""
        text = signed_text(method=method, address=address, timestamp=self.timestamp, nonce=self.nonce, body=body)
        return hmac.compare_digest(hmac.new(secret_sha256, text, hashlib.sha256).digest(), self.digest)

    @property
    def expires_at(self) -> datetime:
        """When a repetition would be refused for its age alone, so that the nonce may be forgotten."""
        return self.at + SKEW_MAX


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request whose signature fits: its body as it came, and the nonce that must be used up with its effect."""

    body: bytes
    signature: Signature


def signed_text(*, method: str, address: str, timestamp: str, nonce: str, body: bytes) -> bytes:
    """What is signed. `address` is path and query as they stand in the request line."""
    return "\n".join((method, address, timestamp, nonce, hashlib.sha256(body).hexdigest())).encode()


def read_signature(headers: Mapping[str, str], now: datetime) -> Signature:
    """The signature in `headers`. Raises Unauthenticated when it is missing, malformed or not of our time."""
    given = {name: headers.get(name, "").strip() for name in HEADERS}
    missing = [name for name, value in given.items() if not value]
    if missing:
        raise Unauthenticated(f"a signed request is wanted here: {', '.join(missing)} missing")
    if not _KEY_ID.fullmatch(given[KEY_HEADER]):
        raise Unauthenticated(f"{KEY_HEADER} is the id of an API key, the 16 digits after bk_live_, never the secret")
    if not _NONCE.fullmatch(given[NONCE_HEADER]):
        raise Unauthenticated(f"{NONCE_HEADER} has 8 to 128 letters, digits or ._~+/=:-")
    if not _SIGNATURE.fullmatch(given[SIGNATURE_HEADER]):
        raise Unauthenticated(f"{SIGNATURE_HEADER} is an HMAC-SHA256 in 64 hex digits")
    at = _moment(given[TIMESTAMP_HEADER])
    if at is None:
        raise Unauthenticated(f"{TIMESTAMP_HEADER} is in seconds since 1970 or in RFC 3339 with an offset")
    if abs(now - at) > SKEW_MAX:
        ours = now.astimezone(UTC).isoformat(timespec="seconds")
        raise Unauthenticated(f"{TIMESTAMP_HEADER} is more than {SKEW_MAX.seconds} s from our clock, which says {ours}")
    digest = bytes.fromhex(given[SIGNATURE_HEADER])
    return Signature(given[KEY_HEADER], given[TIMESTAMP_HEADER], at, given[NONCE_HEADER], digest)


def _moment(text: str) -> datetime | None:
    try:
        if _SECONDS.fullmatch(text):
            return datetime.fromtimestamp(int(text), UTC)
        at = datetime.fromisoformat(text)
        return None if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None
