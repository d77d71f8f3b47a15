"""Tokens of an OIDC issuer: its keys are fetched, kept, rotated, missed gracefully. The issuer is a real server."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from kernel.access_problems import Unauthenticated
from kernel.clock import ManualClock
from kernel.oidc import KEPT_S, LOOK_AGAIN_S, IssuerAway, oidc_issuer
from kernel.tokens import TokenChecker


class Provider:
    """A small issuer: publishes `keys` and counts who asks."""

    def __init__(self) -> None:
        self.keys: list[dict[str, Any]] = []
        self.away = False
        self.asked = 0
        self.says_issuer: str | None = None
        self.url = ""

    async def about(self, request: web.Request) -> web.Response:
        if self.away:
            raise web.HTTPServiceUnavailable
        return web.json_response({"issuer": self.says_issuer or self.url, "jwks_uri": f"{self.url}/keys"})

    async def jwks(self, request: web.Request) -> web.Response:
        self.asked += 1
        return web.json_response({"keys": self.keys})

    def add(self, kid: str, kind: str = "ES256") -> Any:
        parameters: Any = {"kid": kid, "use": "sig", "alg": kind}
        key: Any = ECKey.generate_key("P-256", parameters) if kind == "ES256" else RSAKey.generate_key(2048, parameters)
        self.keys.append(key.as_dict(private=False))
        return key

    def token(self, key: Any, clock: ManualClock, *, alg: str = "ES256", **claims: Any) -> str:
        said = {
            "iss": self.url,
            "aud": "parking",
            "sub": "ann",
            "exp": int(clock.now().timestamp()) + 9_000,
            "scope": "openid reserve",
            **claims,
        }
        return jwt.encode({"alg": alg, "kid": key.kid}, said, key, algorithms=[alg])


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    made = Provider()
    application = web.Application()
    application.add_routes([web.get("/.well-known/openid-configuration", made.about), web.get("/keys", made.jwks)])
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


@pytest.fixture
def tokens(provider: Provider, clock: ManualClock) -> TokenChecker:
    return TokenChecker(oidc_issuer(provider.url, "parking", clock), clock)


@pytest.mark.parametrize("alg", ["ES256", "RS256"])
async def test_a_driver_of_the_issuer(provider: Provider, tokens: TokenChecker, clock: ManualClock, alg: str) -> None:
    key = provider.add("k1", alg)
    caller = await tokens.caller(provider.token(key, clock, alg=alg))
    assert (caller.kind, caller.id, caller.scopes) == ("driver", "ann", frozenset({"reserve"}))


async def test_keys_are_asked_for_once(provider: Provider, tokens: TokenChecker, clock: ManualClock) -> None:
    key = provider.add("k1")
    for name in ("ann", "bob", "cyd"):
        assert (await tokens.caller(provider.token(key, clock, sub=name))).id == name
    assert provider.asked == 1
    clock.advance(KEPT_S)
    await tokens.caller(provider.token(key, clock, sub="dan"))
    assert provider.asked == 2


async def test_a_rotated_key_is_found_but_made_up_ones_are_not_chased(
    provider: Provider, tokens: TokenChecker, clock: ManualClock
) -> None:
    await tokens.caller(provider.token(provider.add("k1"), clock))
    clock.advance(LOOK_AGAIN_S)
    fresh = provider.add("k2")
    assert (await tokens.caller(provider.token(fresh, clock))).id == "ann"
    assert provider.asked == 2
    stranger = ECKey.generate_key("P-256", {"kid": "k3"})
    for number in range(20):
        with pytest.raises(Unauthenticated):
            await tokens.caller(provider.token(stranger, clock, sub=str(number)))
    assert provider.asked == 2


async def test_the_known_keys_count_while_the_issuer_is_away(
    provider: Provider, tokens: TokenChecker, clock: ManualClock
) -> None:
    provider.away = True
    key = provider.add("k1")
    with pytest.raises(IssuerAway):
        await tokens.caller(provider.token(key, clock))
    provider.away = False
    clock.advance(LOOK_AGAIN_S)
    await tokens.caller(provider.token(key, clock))
    provider.away = True
    clock.advance(KEPT_S)
    assert (await tokens.caller(provider.token(key, clock, sub="bob"))).id == "bob"


async def test_another_issuers_discovery_is_not_believed(
    provider: Provider, tokens: TokenChecker, clock: ManualClock
) -> None:
    provider.says_issuer = "https://mallory.example"
    with pytest.raises(IssuerAway):
        await tokens.caller(provider.token(provider.add("k1"), clock))


async def test_claims_and_algorithms_are_ours_to_choose(
    provider: Provider, tokens: TokenChecker, clock: ManualClock
) -> None:
    key = provider.add("k1")
    for claims in ({"aud": "shop"}, {"iss": "https://mallory.example"}, {"exp": 1}):
        with pytest.raises(Unauthenticated):
            await tokens.caller(provider.token(key, clock, **claims))
    secret = OctKey.import_key("a shared secret of more than thirty-two bytes", {"kid": "k1"})
    with pytest.raises(Unauthenticated):
        await tokens.caller(provider.token(secret, clock, alg="HS256"))


def test_an_issuer_is_reached_over_https_and_signs_asymmetrically(clock: ManualClock) -> None:
    with pytest.raises(ValueError, match="https"):
        oidc_issuer("http://issuer.example", "parking", clock)
    with pytest.raises(ValueError, match="asymmetric"):
        oidc_issuer("https://issuer.example", "parking", clock, algorithms=("RS256", "HS256"))
