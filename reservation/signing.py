"""The key of reservation: it signs passes, which anybody verifies offline, and seals offers, which only we read.

One Ed25519 key in a file of its own (`BERTH_RESERVATION__SIGNING_KEY_FILE`, otherwise in the data directory), made at
its first use; every process that answers must have the same. What is signed is a compact JWS (RFC 7515, RFC 9864) that
stock libraries verify with `public_keys`. What is sealed carries an HMAC-SHA256 under a key that is derived (RFC 5869)
from the same secret: a list of offers costs microseconds, not milliseconds. Neither can stand in for the other, nor one
`kind` for another.
"""

import base64
import binascii
import hmac
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jws
from joserfc.errors import JoseError

from kernel.tokens import LOCAL_ALGORITHM, LocalKey, load_or_create_signing_key

TOKEN_CHARACTERS_MAX: Final = 2_048
"""A pass must fit a QR code, an offer an address line."""
_TAG_BYTES: Final = 16
"""Of the HMAC: 128 bits cannot be guessed within the life of an offer, nor of the universe."""


class NotOurs(ValueError):
    """Not signed or sealed with this key for this kind, or changed since."""


class SigningKey:
    """The key in `path`, read when it is first needed: whoever only describes the API makes none."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @cached_property
    def _key(self) -> LocalKey:
        return load_or_create_signing_key(self._path)

    @cached_property
    def _secret(self) -> bytes:
        private = self._key.key.private_key
        if not isinstance(private, Ed25519PrivateKey):
            raise TypeError(f"{self._path} holds no private Ed25519 key")
        seed = private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        return HKDF(SHA256(), 32, salt=None, info=b"berth reservation seal").derive(seed)

    @property
    def public_keys(self) -> dict[str, Any]:
        """A JWK set (RFC 7517) of what verifies the signatures."""
        return {"keys": [self._key.key.as_dict(private=False)]}

    def sign(self, kind: str, payload: bytes) -> str:
        """A compact JWS of `payload`, whose header's `typ` is `kind`."""
        header = {"alg": LOCAL_ALGORITHM, "kid": self._key.key.kid, "typ": kind}
        return jws.serialize_compact(header, payload, self._key.key, algorithms=[LOCAL_ALGORITHM])

    def verified(self, kind: str, token: str) -> bytes:
        """The payload of what `sign` gave. Raises NotOurs."""
        try:
            if len(token) > TOKEN_CHARACTERS_MAX:
                raise NotOurs("too long")
            signed = jws.deserialize_compact(token.encode("ascii"), self._key.key, algorithms=[LOCAL_ALGORITHM])
        except (JoseError, ValueError, TypeError, KeyError):
            raise NotOurs("not signed by us") from None
        if signed.headers().get("typ") != kind:
            raise NotOurs(f"no {kind}")
        return bytes(signed.payload or b"")

    def seal(self, kind: str, payload: bytes) -> str:
        """`payload` for the way to a client and back, unchanged; it can be read there."""
        return _text(payload + self._tag(kind, payload))

    def unsealed(self, kind: str, token: str) -> bytes:
        """The payload of what `seal` gave. Raises NotOurs."""
        sealed = _bytes(token)
        payload, tag = sealed[:-_TAG_BYTES], sealed[-_TAG_BYTES:]
        if not payload or not hmac.compare_digest(tag, self._tag(kind, payload)):
            raise NotOurs(f"no {kind} of ours")
        return payload

    def _tag(self, kind: str, payload: bytes) -> bytes:
        return hmac.digest(self._secret, kind.encode() + b"\0" + payload, "sha256")[:_TAG_BYTES]


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(token: str) -> bytes:
    """Raises NotOurs for what `_text` does not write: one token has one spelling."""
    try:
        if len(token) > TOKEN_CHARACTERS_MAX:
            raise NotOurs("too long")
        raw = base64.b64decode(token.encode("ascii") + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise NotOurs("not a token of ours") from None
    if _text(raw) != token:
        raise NotOurs("not a token of ours")
    return raw
