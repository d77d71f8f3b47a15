"""Our signatures and WeChat's: those of the specification, and those of a package that others rely on."""

import base64
import re
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from wechatpayv3 import utils as theirs
from wechatpayv3.core import Core

from billing.channels.wechat_signing import SIGNTEST, NotWechat, authorization, check, decrypt, sign
from tests.unit.billing.channels.keys import APIV3_KEY, key, private_pem, public_pem

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
ADDRESS = "/v3/vehicle/parking/services/find?appid=wx1&plate_number=%E8%BE%BDA12345&plate_color=BLUE"
KEYS = {"PUB_KEY_ID_1": key("platform").public_key()}
BODY = b'{"id":"EV-1"}'


def headers(body: bytes = BODY, *, at: datetime = NOW, by: str = "platform") -> dict[str, str]:
    timestamp = str(int(at.timestamp()))
    return {
        "Wechatpay-Timestamp": timestamp,
        "Wechatpay-Nonce": "n0nce",
        "Wechatpay-Serial": "PUB_KEY_ID_1",
        "Wechatpay-Signature": sign(key(by), f"{timestamp}\nn0nce\n".encode() + body + b"\n"),
        "Wechatpay-Signature-Type": "WECHATPAY2-SHA256-RSA2048",
    }


def test_what_we_sign_is_what_the_package_signs() -> None:
    body = '{"sub_mchid": "1"}'
    text = theirs.build_authorization(
        ADDRESS, "POST", "1900000100", "5157F09EFDC096DE", key("merchant"), data=body, nonce_str="593BEC0C930BF1AF"
    )
    said = dict(re.findall(r'(\w+)="([^"]*)"', text))
    ours = authorization(
        key("merchant"),
        mch_id="1900000100",
        serial="5157F09EFDC096DE",
        method="POST",
        address=ADDRESS,
        at=datetime.fromtimestamp(int(said["timestamp"]), UTC),
        nonce="593BEC0C930BF1AF",
        body=body.encode(),
    )
    assert dict(re.findall(r'(\w+)="([^"]*)"', ours)) == said
    assert ours.startswith("WECHATPAY2-SHA256-RSA2048 ")


def test_what_the_package_believes_we_believe_and_the_other_way_round() -> None:
    core = Core(
        mchid="1900000100",
        cert_serial_no="1",
        private_key=private_pem("merchant"),
        apiv3_key=APIV3_KEY,
        public_key=public_pem("platform"),
        public_key_id="PUB_KEY_ID_1",
    )
    nonce, extra, plain = "0123456789ab", "transaction", '{"out_trade_no":"1"}'
    sealed = AESGCM(APIV3_KEY.encode()).encrypt(nonce.encode(), plain.encode(), extra.encode())
    resource = {
        "algorithm": "AEAD_AES_256_GCM",
        "ciphertext": base64.b64encode(sealed).decode(),
        "associated_data": extra,
        "nonce": nonce,
    }
    body = orjson.dumps({"id": "EV-1", "resource_type": "encrypt-resource", "resource": resource})
    check(KEYS, headers(body), body, NOW)
    assert core.decrypt_callback(headers(body), body) == plain
    assert decrypt(APIV3_KEY.encode(), resource) == plain.encode()
    wrong = headers(body, by="mallory")
    assert core.decrypt_callback(wrong, body) is None
    with pytest.raises(NotWechat, match="does not fit"):
        check(KEYS, wrong, body, NOW)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({}, "not signed"),
        (headers(at=NOW - timedelta(seconds=301)), "more than 300 s"),
        (headers(at=NOW + timedelta(seconds=301)), "more than 300 s"),
        (headers(at=NOW - timedelta(days=1)), "more than 300 s"),
        (headers() | {"Wechatpay-Timestamp": "yesterday"}, "no time"),
        (headers() | {"Wechatpay-Timestamp": "9" * 30}, "no time"),
        (headers() | {"Wechatpay-Serial": "another"}, "a key that we do not know"),
        (headers() | {"Wechatpay-Nonce": "other"}, "does not fit"),
        (headers() | {"Wechatpay-Signature": "%%%"}, "does not fit"),
        (headers() | {"Wechatpay-Signature-Type": "WECHATPAY2-SM2-WITH-SM3"}, "another way"),
        (headers(by="mallory"), "does not fit"),
        (headers(b"{}"), "does not fit"),
    ],
)
def test_what_is_not_theirs_or_not_of_our_time_is_refused(given: dict[str, str], why: str) -> None:
    with pytest.raises(NotWechat, match=why):
        check(KEYS, given, BODY, NOW)


def test_probes_are_refused_whatever_follows() -> None:
    good = headers()
    probe = good | {"Wechatpay-Signature": SIGNTEST + good["Wechatpay-Signature"]}
    with pytest.raises(NotWechat, match="a probe"):
        check(KEYS, probe, BODY, NOW)


def test_header_names_are_of_any_case_and_a_clock_may_be_five_minutes_off() -> None:
    lower = {name.lower(): value for name, value in headers(at=NOW - timedelta(seconds=300)).items()}
    check(KEYS, lower, BODY, NOW)


@pytest.mark.parametrize(
    "changed",
    [
        {"algorithm": "AEAD_SM4_GCM"},
        {"nonce": "another12345"},
        {"associated_data": "x"},
        {"ciphertext": "AAAA"},
        {"ciphertext": "?"},
        {"ciphertext": None},
        {"nonce": ""},
    ],
)
def test_what_is_not_encrypted_for_us_is_refused(changed: dict[str, object]) -> None:
    sealed = AESGCM(APIV3_KEY.encode()).encrypt(b"0123456789ab", b"{}", b"")
    resource = {
        "algorithm": "AEAD_AES_256_GCM",
        "ciphertext": base64.b64encode(sealed).decode(),
        "nonce": "0123456789ab",
    }
    assert decrypt(APIV3_KEY.encode(), resource) == b"{}"  # without associated data, as it may be
    with pytest.raises(NotWechat):
        decrypt(APIV3_KEY.encode(), resource | changed)
