"""Alipay's RSA2 (SHA-256 with RSA, PKCS #1 v1.5) over sorted parameters, and over the very text of an answer. Pure.

request       every parameter but `sign` that is not empty, sorted by name: `a=1&b=2`, before it is URL-encoded
notification  the same, without `sign_type` as well, after it is URL-decoded
answer        the text between `"<method>_response":` and the comma before `"sign"`, as it stands
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Final

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

SIGN_TYPE: Final = "RSA2"


class NotAlipay(ValueError):
    """Not signed by Alipay, or not for us; the message says which, and nothing of the content."""


def signed_text(parameters: Mapping[str, str], *without: str) -> bytes:
    """What is signed of `parameters`."""
    kept = sorted((name, value) for name, value in parameters.items() if value and name not in without)
    return "&".join(f"{name}={value}" for name, value in kept).encode()


def sign(key: RSAPrivateKey, parameters: Mapping[str, str]) -> str:
    """The `sign` of a request."""
    return base64.b64encode(key.sign(signed_text(parameters, "sign"), PKCS1v15(), SHA256())).decode()


def check_notification(key: RSAPublicKey, parameters: Mapping[str, str]) -> None:
    """That Alipay has signed them. Raises NotAlipay."""
    if parameters.get("sign_type") != SIGN_TYPE:
        raise NotAlipay("not signed with RSA2")
    check(key, parameters.get("sign", ""), signed_text(parameters, "sign", "sign_type"))


def answered(key: RSAPublicKey, method: str, said: bytes) -> bytes:
    """The text of the answer to `method` in `said`, as Alipay has signed it. Raises NotAlipay.

    What it refuses for a signature of ours that does not fit comes under `error_response`.
    """
    try:
        document = orjson.loads(said)
        name = f"{method.replace('.', '_')}_response"
        name = name if name in document else "error_response"
        signature = document["sign"]
        text = _text_of(said, name)
    except (ValueError, KeyError, TypeError):
        raise NotAlipay("not signed, or no answer") from None
    if not isinstance(signature, str):
        raise NotAlipay("not signed")
    check(key, signature, text)
    return text


def check(key: RSAPublicKey, signature: str, text: bytes) -> None:
    """Raises NotAlipay."""
    try:
        key.verify(base64.b64decode(signature, validate=True), text, PKCS1v15(), SHA256())
    except (InvalidSignature, binascii.Error, ValueError):
        raise NotAlipay("the signature does not fit") from None


def _text_of(said: bytes, name: str) -> bytes:
    """The value of the member `name` of the object `said`, to the byte: found by its brackets, outside of strings."""
    begin = said.index(b"{", said.index(f'"{name}"'.encode()))
    depth, is_in_string, is_escaped = 0, False, False
    for at in range(begin, len(said)):
        byte = said[at : at + 1]
        if is_in_string:
            is_in_string = is_escaped or byte != b'"'
            is_escaped = byte == b"\\" and not is_escaped
        elif byte == b'"':
            is_in_string = True
        elif byte == b"{":
            depth += 1
        elif byte == b"}":
            depth -= 1
            if depth == 0:
                return said[begin : at + 1]
    raise ValueError("no end")
