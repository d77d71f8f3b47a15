"""Signed requests: what is read from their headers, and what a signature covers."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest

from kernel.access_problems import Unauthenticated
from kernel.api_keys import new_api_key, sha256_of
from kernel.signatures import SKEW_MAX, Signature, read_signature, signed_text

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
GOOD = {
    "X-Key": "0199f3c2a1b4d5e6",
    "X-Timestamp": str(int(NOW.timestamp())),
    "X-Nonce": "4f1c9a3be07d5286",
    "X-Signature": "ab" * 32,
}


def test_good_headers_are_read() -> None:
    read = read_signature(GOOD, NOW)
    assert (read.key_id, read.nonce, read.at) == ("0199f3c2a1b4d5e6", "4f1c9a3be07d5286", NOW)
    assert read.expires_at == NOW + SKEW_MAX


@pytest.mark.parametrize("name", sorted(GOOD))
def test_every_header_is_needed_and_named(name: str) -> None:
    for without in ({**GOOD, name: ""}, {kept: value for kept, value in GOOD.items() if kept != name}):
        with pytest.raises(Unauthenticated, match=name):
            read_signature(without, NOW)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Key", "bk_live_0199f3c2a1b4d5e6_secret"),
        ("X-Key", "0199F3C2A1B4D5E6"),
        ("X-Nonce", "short"),
        ("X-Nonce", "with a space in it"),
        ("X-Nonce", "n" * 129),
        ("X-Signature", "ab" * 31),
        ("X-Signature", "zz" * 32),
        ("X-Timestamp", "now"),
        ("X-Timestamp", "-5"),
        ("X-Timestamp", "9" * 12),
        ("X-Timestamp", "1" * 13),
        ("X-Timestamp", "2026-11-23T08:00:00"),
        ("X-Timestamp", "0001-01-01T00:00:00+14:00"),
    ],
)
def test_what_is_malformed_is_refused(name: str, value: str) -> None:
    with pytest.raises(Unauthenticated, match=name):
        read_signature({**GOOD, name: value}, NOW)


@pytest.mark.parametrize("shift_s", [-300, -1, 0, 1, 300])
def test_clocks_may_differ(shift_s: int) -> None:
    assert read_signature(GOOD, NOW + timedelta(seconds=shift_s)).at == NOW


@pytest.mark.parametrize("shift_s", [-301, 301, 86_400])
def test_a_clock_that_is_off_is_told_ours(shift_s: int) -> None:
    ours = NOW + timedelta(seconds=shift_s)
    with pytest.raises(Unauthenticated) as refused:
        read_signature(GOOD, ours)
    assert ours.isoformat(timespec="seconds") in refused.value.detail


def test_a_time_with_an_offset_is_the_same_time() -> None:
    assert read_signature({**GOOD, "X-Timestamp": "2026-11-23T16:00:00+08:00"}, NOW).at == NOW


def test_a_signature_covers_every_part() -> None:
    made = new_api_key(NOW)
    secret, address = made.secret_sha256, "/v1/ingest/spaces?car_park=a"
    text = signed_text(method="POST", address=address, timestamp="1", nonce="nonce-01", body=b"{}")
    digest = hmac.new(secret, text, hashlib.sha256).digest()
    signature = Signature(made.key_id, "1", NOW, "nonce-01", digest)
    assert signature.fits(secret, method="POST", address=address, body=b"{}")
    assert not signature.fits(secret, method="PUT", address=address, body=b"{}")
    assert not signature.fits(secret, method="POST", address=address + "b", body=b"{}")
    assert not signature.fits(secret, method="POST", address=address, body=b"{ }")
    assert not signature.fits(sha256_of("another"), method="POST", address=address, body=b"{}")
    for timestamp, nonce in (("2", "nonce-01"), ("1", "nonce-02")):
        moved = Signature(made.key_id, timestamp, NOW, nonce, digest)
        assert not moved.fits(secret, method="POST", address=address, body=b"{}")
