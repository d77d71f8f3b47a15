"""The keys of an OIDC issuer, by setting: fetched over HTTP, kept, fetched again when a token names an unknown one.

A key set is believed for an hour. A token with an unknown `kid` is reason to look again (the issuer rotates its keys),
at most once a minute, so that made-up kids cannot make us hammer the issuer. When the issuer is away, the keys that
are known go on to count.
"""

import asyncio
from collections.abc import Sequence
from urllib.parse import urlsplit

import aiohttp
import orjson
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from kernel.clock import Clock
from kernel.problems import Problem
from kernel.tokens import Issuer

KEPT_S = 3_600.0
LOOK_AGAIN_S = 60.0
FETCH_S_MAX = 5.0
DOCUMENT_BYTES_MAX = 256 * 1024
"""A key set is a few kilobytes."""
ALGORITHMS = ("RS256", "PS256", "ES256", "Ed25519")
"""What issuers sign with; symmetric algorithms and `none` are never among them."""
_DISCOVERY = "/.well-known/openid-configuration"

log = structlog.get_logger(__name__)


class IssuerAway(Problem):
    """The issuer of tokens does not answer

    Tokens cannot be checked until the issuer's keys have been read once; try again soon.
    """

    status = 503
    slug = "issuer-away"


class _Unreadable(Exception):
    """What the issuer answered is not what OIDC discovery promises."""


class JwksSource:
    """The issuer's current keys."""

    def __init__(self, issuer: str, clock: Clock) -> None:
        """Raises ValueError unless `issuer` is https, or http on this machine."""
        self._issuer = _trusted(issuer.rstrip("/"))
        self._clock = clock
        self._fetching = asyncio.Lock()
        self._keys: KeySet | None = None
        self._fetched_at = float("-inf")
        self._tried_at = float("-inf")

    async def keys(self, kid: str | None) -> KeySet:
        """The keys to check a token with, fetched when they are old or lack `kid`. Raises IssuerAway."""
        if self._worth_a_look(kid):
            async with self._fetching:
                if self._worth_a_look(kid):  # whoever waited here finds what the first one fetched
                    await self._refresh()
        if self._keys is None:
            raise IssuerAway(headers={"Retry-After": str(int(LOOK_AGAIN_S))})
        return self._keys

    def _worth_a_look(self, kid: str | None) -> bool:
        now = self._clock.monotonic()
        if now - self._tried_at < LOOK_AGAIN_S:
            return False
        if self._keys is None or now - self._fetched_at >= KEPT_S:
            return True
        return kid is not None and all(key.kid != kid for key in self._keys.keys)

    async def _refresh(self) -> None:
        self._tried_at = self._clock.monotonic()
        try:
            self._keys = await self._fetch()
            self._fetched_at = self._tried_at
        except (aiohttp.ClientError, TimeoutError, OSError, JoseError, ValueError, _Unreadable) as error:
            log.warning("issuer's keys not read", issuer=self._issuer, error=repr(error))

    async def _fetch(self) -> KeySet:
        timeout = aiohttp.ClientTimeout(total=FETCH_S_MAX)
        async with aiohttp.ClientSession(timeout=timeout, trust_env=True) as session:
            about = await _document(session, self._issuer + _DISCOVERY)
            if str(about.get("issuer", "")).rstrip("/") != self._issuer:
                raise _Unreadable("the discovery document is of another issuer")
            address = about.get("jwks_uri")
            if not isinstance(address, str):
                raise _Unreadable("the discovery document names no jwks_uri")
            found = await _document(session, _trusted(address))
        listed = found.get("keys")
        if not isinstance(listed, list):
            raise _Unreadable("the key set has no keys")
        signing = [key for key in listed if isinstance(key, dict) and key.get("use", "sig") == "sig"]
        return KeySet.import_key_set({"keys": signing})


async def _document(session: aiohttp.ClientSession, address: str) -> dict[str, object]:
    async with session.get(address, allow_redirects=False) as response:
        if response.status != 200:
            raise _Unreadable(f"{address} answered {response.status}")
        raw = b""
        async for chunk in response.content.iter_any():
            raw += chunk
            if len(raw) > DOCUMENT_BYTES_MAX:
                raise _Unreadable(f"{address} is larger than {DOCUMENT_BYTES_MAX} bytes")
    document = orjson.loads(raw)
    if not isinstance(document, dict):
        raise _Unreadable(f"{address} is not a JSON object")
    return document


def _trusted(address: str) -> str:
    parts = urlsplit(address)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1", "localhost")):
        return address
    raise ValueError(f"{address}: an issuer is reached over https")


def oidc_issuer(issuer: str, audience: str, clock: Clock, *, algorithms: Sequence[str] = ALGORITHMS) -> Issuer:
    """Trust the tokens of `issuer` for `audience`. Raises ValueError for an address or algorithm not to be trusted."""
    if refused := [name for name in algorithms if name == "none" or name.startswith("HS")]:
        raise ValueError(f"{', '.join(refused)}: only asymmetric signatures prove who signed")
    return Issuer(issuer, audience, tuple(algorithms), JwksSource(issuer, clock))
