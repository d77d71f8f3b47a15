"""RSA2 over sorted parameters, and over the very bytes of an answer."""

import base64

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from billing.channels.alipay_signing import NotAlipay, answered, check_notification, sign, signed_text
from tests.unit.billing.channels.keys import key

ALIPAY = key("alipay").public_key()
METHOD = "alipay.trade.query"


def signature(text: bytes, by: str = "alipay") -> str:
    return base64.b64encode(key(by).sign(text, PKCS1v15(), SHA256())).decode()


def answer(inner: str, *, name: str = "alipay_trade_query_response", by: str = "alipay", after: str = "") -> bytes:
    return f'{{"{name}":{inner},"sign":"{signature(inner.encode(), by)}"{after}}}'.encode()


def test_parameters_are_sorted_and_empty_ones_left_out() -> None:
    asked = {"method": "m", "app_id": "1", "biz_content": '{"a":"b c"}', "empty": "", "sign_type": "RSA2", "sign": "x"}
    assert signed_text(asked, "sign") == b'app_id=1&biz_content={"a":"b c"}&method=m&sign_type=RSA2'
    assert signed_text(asked, "sign", "sign_type") == b'app_id=1&biz_content={"a":"b c"}&method=m'
    made = base64.b64decode(sign(key("app"), asked))
    key("app").public_key().verify(made, signed_text(asked, "sign"), PKCS1v15(), SHA256())


@pytest.mark.parametrize(
    "inner",
    [
        '{"code":"10000"}',
        '{"code": "10000", "nested": {"a": {"b": "}"}}, "text": "a \\" } b \\\\"}',
        '{"subject":"停车费","unicode":"\\u505c"}',
    ],
)
def test_the_text_of_an_answer_is_found_to_the_byte(inner: str) -> None:
    assert answered(ALIPAY, METHOD, answer(inner)) == inner.encode()
    assert answered(ALIPAY, METHOD, answer(inner, after=',"alipay_cert_sn":"1"')) == inner.encode()


def test_what_the_gateway_itself_refuses_is_signed_as_well() -> None:
    inner = '{"code":"40002","sub_code":"isv.invalid-signature"}'
    assert answered(ALIPAY, METHOD, answer(inner, name="error_response")) == inner.encode()


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"<html>502</html>",
        b"[]",
        b'{"alipay_trade_query_response":{"code":"10000"}}',
        b'{"alipay_trade_query_response":{"code":"10000"},"sign":1}',
        b'{"alipay_trade_query_response":{"code":"10000"},"sign":"AAAA"}',
        b'{"alipay_trade_query_response":"text","sign":"AAAA"}',
        answer('{"code":"10000"}', by="mallory"),
        answer('{"code":"10000"}').replace(b"10000", b"10001"),
        answer('{"code":"10000"}', name="alipay_trade_pay_response"),
    ],
)
def test_what_alipay_did_not_answer_is_refused(said: bytes) -> None:
    with pytest.raises(NotAlipay):
        answered(ALIPAY, METHOD, said)


def test_an_inner_member_of_the_same_name_is_not_taken_for_the_answer() -> None:
    """The signature is over the first value of that name; whatever else bears it was not signed."""
    inner = '{"code":"10000","alipay_trade_query_response":{"code":"40004"}}'
    assert orjson.loads(answered(ALIPAY, METHOD, answer(inner)))["code"] == "10000"


def test_notifications() -> None:
    told = {"out_trade_no": "1", "total_amount": "12.00", "sign_type": "RSA2", "empty": ""}
    signed = told | {"sign": signature(b"out_trade_no=1&total_amount=12.00")}
    check_notification(ALIPAY, signed)
    for wrong in (
        told,
        signed | {"total_amount": "12.01"},
        signed | {"more": "1"},
        signed | {"sign_type": "RSA"},
        signed | {"sign": signature(b"out_trade_no=1&total_amount=12.00", "mallory")},
    ):
        with pytest.raises(NotAlipay):
            check_notification(ALIPAY, wrong)
