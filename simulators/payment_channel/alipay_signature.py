"""Alipay's RSA2: a merchant's over its sorted parameters, ours over the text of an answer and over a notice. Pure."""

from collections.abc import Mapping
from typing import Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from simulators.payment_channel import keys

SIGN_TYPE: Final = "RSA2"


def signed_text(parameters: Mapping[str, str], without: frozenset[str]) -> bytes:
    """What is signed: `a=1&b=2` of everything that is not empty, by name, as it was before it was URL-encoded."""
    return "&".join(
        f"{name}={value}" for name, value in sorted(parameters.items()) if value and name not in without
    ).encode()


REQUEST: Final = frozenset({"sign"})
NOTICE: Final = frozenset({"sign", "sign_type"})


def signed_answer(key: RSAPrivateKey, name: str, said: Mapping[str, object]) -> bytes:
    """The answer, with a signature over the very text of its one member."""
    text = msgspec.json.encode(said)
    return b'{"' + name.encode() + b'":' + text + b',"sign":"' + keys.sign(key, text).encode() + b'"}'
