"""Keys and tokens: who gets in, who does not, and what is kept of a secret."""

import stat
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request
from joserfc import jwt
from joserfc.jwk import OctKey, OKPKey

from kernel.access_problems import MissingScope, Unauthenticated
from kernel.api_keys import CACHE_S, KeyChecker, StoredKey, new_api_key, sha256_of, split_api_key
from kernel.auth import ANONYMOUS, Authenticator
from kernel.callers import Caller
from kernel.clock import ManualClock
from kernel.tokens import (
    LEEWAY_S,
    LOCAL_ALGORITHM,
    LocalKey,
    TokenChecker,
    load_or_create_signing_key,
    local_issuer,
    mint_driver_token,
    new_signing_key,
)

NOW = datetime(2026, 11, 23, tzinfo=UTC)


class Store:
    """Keys in a dictionary; counts how often it is asked."""

    def __init__(self, *keys: StoredKey) -> None:
        self.keys = {key.id: key for key in keys}
        self.asked = 0

    async def find(self, key_id: str) -> StoredKey | None:
        self.asked += 1
        return self.keys.get(key_id)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture(scope="module")
def key() -> LocalKey:
    return new_signing_key()


@pytest.fixture
def tokens(key: LocalKey, clock: ManualClock) -> TokenChecker:
    return TokenChecker(local_issuer(key), clock)


def test_a_key_is_shown_once_and_kept_as_a_hash() -> None:
    made = new_api_key(NOW)
    parts = split_api_key(made.text)
    assert parts is not None
    assert made.text.startswith("bk_live_")
    assert parts[0] == made.key_id
    assert sha256_of(parts[1]) == made.secret_sha256
    assert len(parts[1]) == 43  # 256 bits in base64
    assert new_api_key(NOW).text != made.text
    assert new_api_key(NOW, live=False).text.startswith("bk_test_")


def test_key_ids_sort_by_time() -> None:
    ids = [new_api_key(NOW + timedelta(seconds=second)).key_id for second in range(5)]
    assert ids == sorted(ids)


async def test_a_known_key_is_its_operator(clock: ManualClock) -> None:
    made = new_api_key(NOW)
    one, every = StoredKey(made.key_id, "acme", made.secret_sha256), StoredKey(made.key_id, None, made.secret_sha256)
    caller = await KeyChecker(Store(one), clock).caller(made.text)
    assert (caller.kind, caller.id, caller.operators) == ("operator", made.key_id, frozenset({"acme"}))
    assert caller.may_manage("acme")
    assert not caller.may_manage("other")
    assert (await KeyChecker(Store(every), clock).caller(made.text)).may_manage("other")


@pytest.mark.parametrize(
    "text",
    ["", "bk_live_x", "bk_live_0123456789abcdef_short", f"bk_live_0123456789abcdef_{'A' * 43}", "bk_" + "x" * 9_000],
)
async def test_what_is_not_a_known_key_is_refused(clock: ManualClock, text: str) -> None:
    with pytest.raises(Unauthenticated):
        await KeyChecker(Store(), clock).caller(text)


async def test_the_right_id_with_another_secret_is_refused(clock: ManualClock) -> None:
    made, other = new_api_key(NOW), new_api_key(NOW)
    store = Store(StoredKey(made.key_id, None, made.secret_sha256))
    forged = f"bk_live_{made.key_id}_{other.text.split('_', 3)[3]}"
    with pytest.raises(Unauthenticated, match="not known"):
        await KeyChecker(store, clock).caller(forged)


async def test_revoked_and_expired_keys_are_refused(clock: ManualClock) -> None:
    made = new_api_key(NOW)
    valid = StoredKey(made.key_id, None, made.secret_sha256)
    for ended, why in ((replace(valid, revoked_at=NOW), "revoked"), (replace(valid, expires_at=NOW), "expired")):
        with pytest.raises(Unauthenticated, match=why):
            await KeyChecker(Store(ended), clock).caller(made.text)


async def test_a_key_is_asked_for_once_in_a_while_and_a_revocation_is_quick(clock: ManualClock) -> None:
    made = new_api_key(NOW)
    store = Store(StoredKey(made.key_id, None, made.secret_sha256))
    checker = KeyChecker(store, clock)
    for _ in range(10):
        await checker.caller(made.text)
    assert store.asked == 1
    store.keys[made.key_id] = StoredKey(made.key_id, None, made.secret_sha256, revoked_at=NOW)
    clock.advance(CACHE_S)
    with pytest.raises(Unauthenticated):
        await checker.caller(made.text)


async def test_an_expiry_counts_even_while_the_key_is_cached(clock: ManualClock) -> None:
    made = new_api_key(NOW)
    stored = StoredKey(made.key_id, None, made.secret_sha256, expires_at=NOW + timedelta(seconds=1))
    checker = KeyChecker(Store(stored), clock)
    await checker.caller(made.text)
    clock.advance(1)
    with pytest.raises(Unauthenticated):
        await checker.caller(made.text)


async def test_a_minted_token_is_its_driver(tokens: TokenChecker, key: LocalKey) -> None:
    caller = await tokens.caller(mint_driver_token(key, "ann", NOW))
    assert caller == Caller(kind="driver", id="ann", scopes=frozenset({"read", "reserve"}), operators=frozenset())
    assert not caller.may_manage("acme")


async def test_a_token_expires_even_when_it_was_believed_before(
    tokens: TokenChecker, key: LocalKey, clock: ManualClock
) -> None:
    token = mint_driver_token(key, "ann", NOW, life=timedelta(minutes=5))
    await tokens.caller(token)
    clock.advance(300 + LEEWAY_S - 1)
    await tokens.caller(token)
    clock.advance(1)
    with pytest.raises(Unauthenticated, match="expired"):
        await tokens.caller(token)


async def test_a_token_from_the_future_waits_for_its_time(tokens: TokenChecker, key: LocalKey) -> None:
    await tokens.caller(mint_driver_token(key, "ann", NOW + timedelta(seconds=LEEWAY_S)))
    with pytest.raises(Unauthenticated, match="not valid yet"):
        await tokens.caller(mint_driver_token(key, "ann", NOW + timedelta(seconds=LEEWAY_S + 1)))


def signed(key: LocalKey, **claims: Any) -> str:
    stamp = int(NOW.timestamp())
    said = {"iss": "berth", "aud": "berth", "sub": "ann", "exp": stamp + 60, **claims}
    said = {name: value for name, value in said.items() if value is not None}
    return jwt.encode({"alg": LOCAL_ALGORITHM, "kid": key.key.kid}, said, key.key, algorithms=[LOCAL_ALGORITHM])


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "mallory"},
        {"iss": None},
        {"aud": "shop"},
        {"aud": None},
        {"exp": None},
        {"exp": "tomorrow"},
        {"exp": True},
        {"nbf": "now"},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "a\0b"},
        {"sub": "x" * 201},
        {"scope": 7},
        {"scope": ["read", 7]},
    ],
)
async def test_claims_that_are_not_ours_are_refused(
    tokens: TokenChecker, key: LocalKey, claims: dict[str, Any]
) -> None:
    with pytest.raises(Unauthenticated) as refused:
        await tokens.caller(signed(key, **claims))
    assert 'error="invalid_token"' in refused.value.headers["WWW-Authenticate"]


async def test_an_audience_may_be_one_of_several(tokens: TokenChecker, key: LocalKey) -> None:
    assert (await tokens.caller(signed(key, aud=["shop", "berth"]))).id == "ann"


async def test_a_drivers_token_never_grants_what_an_operators_key_may(tokens: TokenChecker, key: LocalKey) -> None:
    assert (await tokens.caller(signed(key, scope="read operate"))).scopes == frozenset({"read"})
    assert (await tokens.caller(signed(key, scope=""))).scopes == frozenset()


async def test_a_token_of_another_key_or_algorithm_is_refused(tokens: TokenChecker, key: LocalKey) -> None:
    stamp = int(NOW.timestamp())
    claims = {"iss": "berth", "aud": "berth", "sub": "ann", "exp": stamp + 60}
    stranger = mint_driver_token(new_signing_key(), "ann", NOW)
    # The classic: the public key used as the secret of an HMAC.
    public = OctKey.import_key(str(key.key.as_dict(private=False)["x"]))
    confused = jwt.encode({"alg": "HS256", "kid": key.key.kid}, claims, public, algorithms=["HS256"])
    unsigned = "eyJhbGciOiJub25lIn0." + stranger.split(".")[1] + "."
    tampered = mint_driver_token(key, "ann", NOW)
    tampered = tampered[:-8] + ("A" * 8)
    for token in (stranger, confused, unsigned, tampered, "x", "a.b.c", "..", "é.é.é", "x" * 9_000):
        with pytest.raises(Unauthenticated):
            await tokens.caller(token)


def test_the_signing_key_is_made_once_and_only_for_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "signing.json"
    made = load_or_create_signing_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_or_create_signing_key(path).key.kid == made.key.kid
    assert [file.name for file in path.parent.iterdir()] == ["signing.json"]


def test_a_driver_without_a_name_gets_no_token(key: LocalKey) -> None:
    for name in ("", "x" * 201, "a\0"):
        with pytest.raises(ValueError, match="characters"):
            mint_driver_token(key, name, NOW)


async def test_where_credentials_may_stand(key: LocalKey, clock: ManualClock) -> None:
    made = new_api_key(NOW)
    store = Store(StoredKey(made.key_id, None, made.secret_sha256))
    authenticator = Authenticator(issuer=local_issuer(key), keys=store, clock=clock)

    async def kind(**headers: str) -> str:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return (await authenticator.caller(make_mocked_request("GET", "/", headers=named))).kind

    assert await kind() == "anonymous"
    assert await kind(Authorization=f"Bearer {mint_driver_token(key, 'ann', NOW)}") == "driver"
    assert await kind(Authorization=f"bearer {made.text}") == "operator"
    assert await kind(X_API_Key=made.text) == "operator"
    for wrong in (
        {"Authorization": "Basic YTpi"},
        {"Authorization": "Bearer"},
        {"Authorization": made.text},
        {"X_API_Key": ""},
        {"X_API_Key": made.text, "Authorization": f"Bearer {made.text}"},
    ):
        with pytest.raises(Unauthenticated):
            await kind(**wrong)


def test_a_missing_scope_is_named() -> None:
    driver = Caller(kind="driver", id="ann", scopes=frozenset({"read"}))
    driver.require({"read"})
    with pytest.raises(MissingScope) as refused:
        driver.require({"read", "operate"})
    assert refused.value.members == {"scope": "operate"}
    with pytest.raises(Unauthenticated):
        ANONYMOUS.require({"read"})


def test_an_imported_key_is_an_okp_key(tmp_path: Path) -> None:
    assert isinstance(load_or_create_signing_key(tmp_path / "signing.json").key, OKPKey)
