"""Drivers' tokens: JWTs that we sign ourselves (embedded mode) or that an OIDC issuer signs.

Local tokens are Ed25519 (RFC 9864) with a key file in the data directory. Which issuer is trusted, for which audience
and with which algorithms is fixed by settings, never read from the token.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey
from joserfc.jws import extract_compact

from kernel.access_problems import Unauthenticated
from kernel.callers import DRIVER_SCOPES, Caller
from kernel.clock import Clock

LOCAL_ISSUER = "berth"
LOCAL_ALGORITHM = "Ed25519"
AUDIENCE = "berth"
TOKEN_LIFE = timedelta(days=30)
"""Local tokens are for trying and developing; whoever needs short lives has an issuer that renews."""
LEEWAY_S = 30
"""Clocks of issuer and server may differ by this."""
TOKEN_CHARACTERS_MAX = 8_192
SUBJECT_CHARACTERS_MAX = 200


class KeySource(Protocol):
    """The keys that may have signed a token."""

    async def keys(self, kid: str | None) -> KeySet:
        """The current keys; a `kid` that is not among them may be reason to look again."""
        ...


@dataclass(frozen=True, slots=True)
class LocalKey:
    """The signing key of embedded mode; it is its own key source."""

    key: OKPKey

    async def keys(self, kid: str | None) -> KeySet:
        return KeySet([self.key])


@dataclass(frozen=True, slots=True)
class Issuer:
    """Whose tokens are believed, and what they must say."""

    issuer: str
    audience: str
    algorithms: Sequence[str]
    source: KeySource
    scopes_when_unsaid: frozenset[str] = DRIVER_SCOPES


def local_issuer(key: LocalKey) -> Issuer:
    """The issuer of embedded mode."""
    return Issuer(LOCAL_ISSUER, AUDIENCE, (LOCAL_ALGORITHM,), key)


def new_signing_key() -> LocalKey:
    """A fresh Ed25519 key."""
    return LocalKey(OKPKey.generate_key("Ed25519", {"use": "sig", "alg": LOCAL_ALGORITHM}, private=True, auto_kid=True))


def load_or_create_signing_key(path: Path) -> LocalKey:
    """The key in `path`, made there (0600) at the first start. Several processes may start at once: one makes it."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.{os.getpid()}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(new_signing_key().key.as_dict(private=True), file)
        try:
            os.link(fresh, path)  # unlike rename, it does not replace a key that another process has just made
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return load_signing_key(path)


def load_signing_key(path: Path) -> LocalKey:
    """The key in `path`. Raises FileNotFoundError: whoever only signs makes no key that nobody believes."""
    return LocalKey(OKPKey.import_key(json.loads(path.read_text(encoding="utf-8"))))


def mint_driver_token(
    key: LocalKey,
    driver: str,
    now: datetime,
    *,
    scopes: frozenset[str] = DRIVER_SCOPES,
    life: timedelta = TOKEN_LIFE,
) -> str:
    """A token for `driver`, valid from `now` for `life`. Raises ValueError for an empty or overlong driver."""
    if not 0 < len(driver) <= SUBJECT_CHARACTERS_MAX or "\0" in driver:
        raise ValueError(f"a driver's id has 1 to {SUBJECT_CHARACTERS_MAX} characters")
    issued = int(now.timestamp())
    claims = {
        "iss": LOCAL_ISSUER,
        "aud": AUDIENCE,
        "sub": driver,
        "iat": issued,
        "nbf": issued,
        "exp": issued + int(life.total_seconds()),
        "scope": " ".join(sorted(scopes)),
    }
    return jwt.encode({"alg": LOCAL_ALGORITHM, "kid": key.key.kid}, claims, key.key, algorithms=[LOCAL_ALGORITHM])


class TokenChecker:
    """Turns a JWT into its driver; a token that was verified is believed until it expires, without a second check."""

    VERIFIED_MAX = 20_000
    """About 10 MB; the cache starts anew when it is full."""

    def __init__(self, issuer: Issuer, clock: Clock) -> None:
        self._issuer = issuer
        self._clock = clock
        self._verified: dict[str, tuple[int, Caller]] = {}

    async def caller(self, token: str) -> Caller:
        """The driver whom `token` names. Raises Unauthenticated saying what is wrong with it."""
        now_s = self._clock.now().timestamp()
        kept = self._verified.get(token)
        if kept is not None and now_s < kept[0] + LEEWAY_S:
            return kept[1]
        if len(token) > TOKEN_CHARACTERS_MAX:
            raise Unauthenticated("the token is too long")
        claims = await self._claims(token)
        expires = self._check(claims, now_s)
        caller = self._caller(claims)
        if len(self._verified) >= self.VERIFIED_MAX:
            self._verified.clear()
        self._verified[token] = (expires, caller)
        return caller

    async def _claims(self, token: str) -> dict[str, Any]:
        try:
            kid = _kid(token)
            keys = await self._issuer.source.keys(kid)
            return jwt.decode(token, keys, algorithms=list(self._issuer.algorithms)).claims
        except (JoseError, ValueError, TypeError, KeyError):
            raise _refused("the token is not signed by the trusted issuer") from None

    def _check(self, claims: dict[str, Any], now_s: float) -> int:
        """The token's expiry. Raises Unauthenticated unless issuer, audience and times are right."""
        if claims.get("iss") != self._issuer.issuer:
            raise _refused("the token is of another issuer")
        audience = claims.get("aud")
        if self._issuer.audience not in (audience if isinstance(audience, list) else [audience]):
            raise _refused("the token is for another audience")
        expires = claims.get("exp")
        if isinstance(expires, bool) or not isinstance(expires, int | float):
            raise _refused("the token has no expiry")
        if now_s >= expires + LEEWAY_S:
            raise _refused("the token has expired")
        not_before = claims.get("nbf", 0)
        if isinstance(not_before, bool) or not isinstance(not_before, int | float):
            raise _refused("the token's nbf is not a time")
        if now_s < not_before - LEEWAY_S:
            raise _refused("the token is not valid yet")
        return int(min(expires, 2**53))

    def _caller(self, claims: dict[str, Any]) -> Caller:
        subject = claims.get("sub")
        if not isinstance(subject, str) or not 0 < len(subject) <= SUBJECT_CHARACTERS_MAX or "\0" in subject:
            raise _refused("the token names nobody")
        said = claims.get("scope", claims.get("scp"))
        scopes = said.split() if isinstance(said, str) else said
        if scopes is None:
            return Caller(kind="driver", id=subject, scopes=self._issuer.scopes_when_unsaid, operators=frozenset())
        if not isinstance(scopes, list) or not all(isinstance(scope, str) for scope in scopes):
            raise _refused("the token's scope is not a list of words")
        # A driver's token never grants what only an operator's key may.
        return Caller(kind="driver", id=subject, scopes=frozenset(scopes) & DRIVER_SCOPES, operators=frozenset())


def _kid(token: str) -> str | None:
    """The key id that the (unverified) header names."""
    kid = extract_compact(token.encode()).headers().get("kid")
    return kid if isinstance(kid, str) else None


def _refused(why: str) -> Unauthenticated:
    challenge = f'Bearer realm="berth", error="invalid_token", error_description="{why}"'
    return Unauthenticated(why, headers={"WWW-Authenticate": challenge})
