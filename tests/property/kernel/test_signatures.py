"""Whatever stands in the headers of a signed request is a signature or a refusal; a signature covers every bit."""

import hashlib
import hmac
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from kernel.access_problems import Unauthenticated
from kernel.signatures import HEADERS, Signature, read_signature, signed_text

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
values = st.text(max_size=70) | st.from_regex(r"[0-9a-f]{16}|[0-9a-f]{64}|[0-9]{1,13}|2026-11-23T.{8}Z", fullmatch=True)


@given(st.dictionaries(st.sampled_from(HEADERS), values))
def test_any_headers(headers: dict[str, str]) -> None:
    try:
        read = read_signature(headers, NOW)
    except Unauthenticated as refused:
        assert "X-" in refused.detail
    else:
        assert abs(read.at - NOW).total_seconds() <= 300
        assert len(read.digest) == 32


@given(secret=st.binary(min_size=32, max_size=32), body=st.binary(max_size=50), other=st.binary(max_size=50))
def test_another_body_needs_another_signature(secret: bytes, body: bytes, other: bytes) -> None:
    text = signed_text(method="POST", address="/a", timestamp="1", nonce="nonce-01", body=body)
    signature = Signature("k", "1", NOW, "nonce-01", hmac.new(secret, text, hashlib.sha256).digest())
    assert signature.fits(secret, method="POST", address="/a", body=other) == (body == other)
