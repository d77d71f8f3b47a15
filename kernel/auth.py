"""Credentials of a request -> `Caller`.

`Authorization: Bearer <jwt>` is a driver, `Authorization: Bearer bk_...` or `X-API-Key: bk_...` an operator; nothing is
`ANONYMOUS`. `kernel.http` asks for the caller where an operation has scopes or takes one, and checks the scopes.
"""

from aiohttp import web

from kernel.access_problems import Unauthenticated
from kernel.api_keys import KeyChecker, KeyStore
from kernel.callers import ANONYMOUS, Caller
from kernel.clock import Clock
from kernel.json_body import read_body
from kernel.signatures import SignedRequest, read_signature
from kernel.tokens import Issuer, TokenChecker

__all__ = ["ANONYMOUS", "Authenticator", "Caller"]


class Authenticator:
    """Knows the trusted issuer of drivers' tokens and the store of operators' keys."""

    def __init__(self, *, issuer: Issuer, keys: KeyStore, clock: Clock) -> None:
        self._tokens = TokenChecker(issuer, clock)
        self._keys = KeyChecker(keys, clock)
        self._clock = clock

    async def signer(self, request: web.Request, bytes_max: int) -> tuple[Caller, SignedRequest]:
        """Who signed `request`, and what. Raises Unauthenticated, BodyTooLarge, BodyTooSlow.

        The key is looked up first: without one, no body is read and hashed.
        """
        signature = read_signature(request.headers, self._clock.now())
        key = await self._keys.signing_key(signature)
        body = await read_body(request, bytes_max)
        caller = self._keys.signer(key, signature, method=request.method, address=request.raw_path, body=body)
        return caller, SignedRequest(body, signature)

    async def caller(self, request: web.Request) -> Caller:
        """Who sent `request`. Raises Unauthenticated when credentials are given and are not valid."""
        said = request.headers.get("Authorization")
        key = request.headers.get("X-API-Key")
        if said is None and key is None:
            return ANONYMOUS
        if said is not None and key is not None:
            raise Unauthenticated("send either Authorization or X-API-Key, not both")
        if key is not None:
            return await self._keys.caller(key.strip())
        scheme, _, credentials = (said or "").partition(" ")
        credentials = credentials.strip()
        if scheme.lower() != "bearer" or not credentials:
            raise Unauthenticated("Authorization must be `Bearer <token>`")
        if credentials.startswith("bk_"):
            return await self._keys.caller(credentials)
        return await self._tokens.caller(credentials)
