"""API keys of operators: `bk_live_<id>_<secret>`, made once, shown once, stored as a hash.

The secret is 256 random bits, so nobody can guess or enumerate it and a plain SHA-256 keeps it as well as argon2
would: a slow hash protects secrets that people choose. It would only cost every request tens of milliseconds.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from kernel.access_problems import Unauthenticated
from kernel.callers import OPERATOR_SCOPES, Caller
from kernel.clock import Clock
from kernel.signatures import Signature

SECRET_BYTES = 32
CACHE_S = 3.0
"""How long a stored key is believed: a revocation works within this, and a busy key costs no query a request."""
CACHE_KEYS_MAX = 10_000
"""Bounds memory against made-up key ids; the cache starts anew when it is full."""

_DOES_NOT_FIT = "the signature does not fit this request and this key"
_FORM = re.compile(r"bk_(?:live|test)_([0-9a-f]{16})_([A-Za-z0-9_-]{43,64})", re.ASCII)


class NewApiKey(NamedTuple):
    """A fresh key: the text to show once, and what to store."""

    text: str
    key_id: str
    secret_sha256: bytes


@dataclass(frozen=True, slots=True)
class StoredKey:
    """What is kept of a key; `operator` None covers every operator, `device` narrows it to one of their devices."""

    id: str
    operator: str | None
    secret_sha256: bytes
    scopes: frozenset[str] = OPERATOR_SCOPES
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    device: str | None = None


class KeyStore(Protocol):
    """Where keys are kept; the registry implements it."""

    async def find(self, key_id: str) -> StoredKey | None:
        """The key with this id, also when it is revoked or expired."""
        ...


def new_api_key(now: datetime, *, live: bool = True) -> NewApiKey:
    """A key made at `now`: its id sorts by time (48 bits of milliseconds) and its secret has 256 bits."""
    key_id = f"{int(now.timestamp() * 1000) & 0xFFFFFFFFFFFF:012x}{secrets.token_hex(2)}"
    secret = secrets.token_urlsafe(SECRET_BYTES)
    text = f"bk_{'live' if live else 'test'}_{key_id}_{secret}"
    return NewApiKey(text, key_id, sha256_of(secret))


def sha256_of(secret: str) -> bytes:
    """The stored form of a key's secret part."""
    return hashlib.sha256(secret.encode()).digest()


def split_api_key(text: str) -> tuple[str, str] | None:
    """Id and secret of a key's text, None when it is not one."""
    match = _FORM.fullmatch(text)
    return None if match is None else (match[1], match[2])


class KeyChecker:
    """Turns a key's text into its caller."""

    def __init__(self, store: KeyStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._cache: dict[str, tuple[float, StoredKey | None]] = {}

    async def caller(self, text: str) -> Caller:
        """The operator behind `text`. Raises Unauthenticated, with the same words whatever is wrong with the secret."""
        parts = split_api_key(text)
        if parts is None:
            raise Unauthenticated("this is not an API key: bk_live_<id>_<secret> is")
        key_id, secret = parts
        stored = await self._stored(key_id)
        expected = stored.secret_sha256 if stored is not None else bytes(32)
        matches = hmac.compare_digest(sha256_of(secret), expected)
        if stored is None or not matches:
            raise Unauthenticated("this API key is not known")
        return self._caller(stored)

    async def signing_key(self, signature: Signature) -> StoredKey:
        """The key that `signature` names, which says nothing of who sent it. Raises Unauthenticated."""
        stored = await self._stored(signature.key_id)
        if stored is None:
            raise Unauthenticated(_DOES_NOT_FIT)
        return stored

    def signer(self, key: StoredKey, signature: Signature, *, method: str, address: str, body: bytes) -> Caller:
        """The operator who signed with `key`. Raises Unauthenticated, in the words of `signing_key`."""
        if not signature.fits(key.secret_sha256, method=method, address=address, body=body):
            raise Unauthenticated(_DOES_NOT_FIT)
        return self._caller(key)

    def _caller(self, stored: StoredKey) -> Caller:
        now = self._clock.now()
        if stored.revoked_at is not None and stored.revoked_at <= now:
            raise Unauthenticated("this API key was revoked")
        if stored.expires_at is not None and stored.expires_at <= now:
            raise Unauthenticated("this API key has expired")
        operators = None if stored.operator is None else frozenset({stored.operator})
        return Caller(kind="operator", id=stored.id, scopes=stored.scopes, operators=operators, device=stored.device)

    async def _stored(self, key_id: str) -> StoredKey | None:
        now = self._clock.monotonic()
        kept = self._cache.get(key_id)
        if kept is not None and kept[0] > now:
            return kept[1]
        stored = await self._store.find(key_id)
        if len(self._cache) >= CACHE_KEYS_MAX:
            self._cache.clear()
        self._cache[key_id] = (now + CACHE_S, stored)
        return stored
