"""Whatever a channel, or somebody in its place, says: it is read, refused or called unreadable, and nothing else."""

import base64
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st

from billing.channels import alipay_bill, alipay_wire, wechat_bill, wechat_told
from billing.channels.alipay import AlipayAccount, AlipayChannel
from billing.channels.alipay_client import AlipayApp
from billing.channels.alipay_signing import NotAlipay, answered, signed_text
from billing.channels.protocol import CallbackRefused, ChannelAway, Heard
from billing.channels.session import Session
from billing.channels.wechat import WechatAccount, WechatChannel
from billing.channels.wechat_client import Merchant
from billing.channels.wechat_signing import sign
from kernel.clock import ManualClock
from tests.unit.billing.channels.keys import APIV3_KEY, key

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
CLOCK = ManualClock(NOW)
WECHAT = WechatChannel(
    WechatAccount(
        merchant=Merchant(
            mch_id="1",
            serial="1",
            key=key("merchant"),
            platform_keys={"P": key("platform").public_key()},
            platform_key_id="P",
        ),
        appid="wx",
        sub_mchid="2",
        apiv3_key=APIV3_KEY.encode(),
        gateway="http://nowhere",
        notify_url="http://nowhere",
    ),
    CLOCK,
    Session(),
)
ALIPAY = AlipayChannel(
    AlipayAccount(
        app=AlipayApp(app_id="2021", key=key("app"), alipay_key=key("alipay").public_key(), gateway="http://nowhere"),
        seller_id="2088",
        parking_id="PI1",
        notify_url="http://nowhere",
    ),
    CLOCK,
    Session(),
)
WORDS = st.sampled_from(
    ["SUCCESS", "ACCEPTED", "PAY_BACK", "NORMAL", "BLOCKED", "PROCESSING", "TRADE_SUCCESS", "BLUE", "12.00", "1", "Y"]
)
NAMES = st.sampled_from(
    [
        *("id", "event_type", "resource", "algorithm", "nonce", "ciphertext", "associated_data"),
        *("out_trade_no", "trade_state", "amount", "total", "parking_info", "plate_number", "plate_color"),
        *("refund_status", "status", "out_refund_no", "parking_state", "transaction_id", "bank_type", "refund"),
        *("trade_status", "total_amount", "trade_no", "out_biz_no", "refund_fee", "notify_id", "gmt_payment"),
    ]
)
VALUES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | WORDS
JSON = st.recursive(
    VALUES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES | st.text(), inner, max_size=6)
)
OBJECTS = st.dictionaries(NAMES | st.text(), JSON, max_size=10)
KINDS = st.sampled_from(
    ["TRANSACTION.SUCCESS", "TRANSACTION.FAIL", "REFUND.SUCCESS", "VEHICLE.ENTRANCE_STATE_CHANGE", "x"]
)


def whole(document: Any) -> bytes:
    try:
        return orjson.dumps(document)
    except TypeError:  # integers beyond 64 bits, lone surrogates
        return b"{}"


def heard_by_wechat(body: bytes) -> Heard:
    timestamp = str(int(NOW.timestamp()))
    headers = {
        "Wechatpay-Timestamp": timestamp,
        "Wechatpay-Nonce": "n",
        "Wechatpay-Serial": "P",
        "Wechatpay-Signature": sign(key("platform"), f"{timestamp}\nn\n".encode() + body + b"\n"),
    }
    return WECHAT.hear(headers, body, NOW)


@given(st.dictionaries(st.sampled_from(["Wechatpay-Timestamp", "Wechatpay-Signature"]), st.text()), st.binary())
def test_bytes_that_nobody_signed(headers: dict[str, str], body: bytes) -> None:
    for channel in (WECHAT, ALIPAY):
        with pytest.raises(CallbackRefused):
            channel.hear(headers, body, NOW)


@given(JSON)
def test_what_wechat_signed_and_is_no_notification(document: Any) -> None:
    with pytest.raises(CallbackRefused):
        heard_by_wechat(whole(document))


@given(KINDS, JSON, st.text(max_size=80) | st.integers())
def test_what_wechat_sealed(kind: str, plain: Any, number: Any) -> None:
    sealed = AESGCM(APIV3_KEY.encode()).encrypt(b"0123456789ab", whole(plain), b"x")
    resource = {
        "algorithm": "AEAD_AES_256_GCM",
        "ciphertext": base64.b64encode(sealed).decode(),
        "nonce": "0123456789ab",
        "associated_data": "x",
    }
    body = whole({"id": number, "event_type": kind, "resource": resource})
    try:
        heard = heard_by_wechat(body)
    except CallbackRefused:
        return
    assert "\0" not in heard.id + heard.kind
    orjson.dumps(heard.raw)


@given(st.dictionaries(NAMES | st.text(min_size=1), st.text() | WORDS, max_size=10))
def test_what_alipay_signed(said: dict[str, str]) -> None:
    told = {**said, "app_id": "2021", "sign_type": "RSA2", "notify_time": alipay_wire.clock_time(NOW)}
    told.pop("sign", None)
    try:
        made = key("alipay").sign(signed_text(told, "sign", "sign_type"), PKCS1v15(), SHA256())
        body = urlencode(told | {"sign": base64.b64encode(made).decode()}).encode()
    except UnicodeEncodeError:
        return
    try:
        heard = ALIPAY.hear({}, body, NOW)
    except CallbackRefused:
        return
    assert "\0" not in heard.id + heard.kind


@given(OBJECTS)
def test_answers_are_read_or_unreadable(document: dict[str, Any]) -> None:
    for read in (wechat_told.payment, wechat_told.refunded, wechat_told.announced, wechat_told.service_state):
        try:
            read(document)
        except wechat_told.Unreadable:
            continue
    for reads in (
        alipay_wire.payment,
        alipay_wire.agreement,
        lambda said: alipay_wire.collected(said, "1"),
        lambda said: alipay_wire.refund_status(said, "1"),
    ):
        try:
            reads(document)
        except alipay_wire.Unreadable:
            continue


@given(st.binary(), st.text())
def test_answers_of_alipay_that_are_none(said: bytes, text: str) -> None:
    framed = f'{{"alipay_trade_query_response":{text},"sign":"AAAA"}}'.encode(errors="replace")
    for one in (said, framed):
        with pytest.raises(NotAlipay):
            answered(key("alipay").public_key(), "alipay.trade.query", one)


@given(st.binary() | st.text().map(lambda text: text.encode(errors="replace")))
def test_bills_that_are_none(document: bytes) -> None:
    for read in (wechat_bill.read_bill, alipay_bill.read_bill):
        try:
            assert read(document) == []
        except ChannelAway:
            continue
