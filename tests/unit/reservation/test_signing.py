"""What is signed can be verified by anybody with the public key; what is sealed is ours, for one kind, unchanged."""

from pathlib import Path

import pytest
from joserfc import jws
from joserfc.jwk import KeySet, OKPKey

from reservation.signing import NotOurs, SigningKey


@pytest.fixture
def key(tmp_path: Path) -> SigningKey:
    return SigningKey(tmp_path / "promises.json")


def test_a_signature_is_verified_with_the_public_keys_alone(key: SigningKey) -> None:
    token = key.sign("pass", b'{"a":1}')
    assert key.verified("pass", token) == b'{"a":1}'
    assert all("d" not in public for public in key.public_keys["keys"])
    keys = KeySet([OKPKey.import_key(public) for public in key.public_keys["keys"]])
    assert jws.deserialize_compact(token.encode(), keys, algorithms=["Ed25519"]).payload == b'{"a":1}'


def test_every_process_reads_the_same_key(key: SigningKey, tmp_path: Path) -> None:
    other = SigningKey(tmp_path / "promises.json")
    assert other.unsealed("offer", key.seal("offer", b"x")) == b"x"
    assert other.verified("pass", key.sign("pass", b"x")) == b"x"
    assert (tmp_path / "promises.json").stat().st_mode & 0o777 == 0o600


def test_no_key_is_made_before_it_is_needed(key: SigningKey, tmp_path: Path) -> None:
    assert list(tmp_path.iterdir()) == []


def test_what_was_changed_or_is_of_another_kind_or_key_is_not_ours(key: SigningKey, tmp_path: Path) -> None:
    stranger = SigningKey(tmp_path / "other.json")
    sealed, signed = key.seal("offer", b"price 1"), key.sign("pass", b"{}")
    for forged in (
        *(
            sealed[:place] + ("A" if sealed[place] != "A" else "B") + sealed[place + 1 :]
            for place in range(len(sealed))
        ),
        stranger.seal("offer", b"price 1"),
        key.seal("pass", b"price 1"),
        signed,
        sealed + "=",
        sealed[:8],
        "",
        "é",
        "A" * 5_000,
    ):
        with pytest.raises(NotOurs):
            key.unsealed("offer", forged)
    for forged in (stranger.sign("pass", b"{}"), key.sign("offer", b"{}"), sealed, signed[:-8], "a.b.c", "", "é.."):
        with pytest.raises(NotOurs):
            key.verified("pass", forged)
