"""Who the simulated channels know: one merchant, its numbers and public keys, and the channels' own keys.

In a folder they are files, as the real ones are handed over: a merchant's private key that only the merchant has, a
certificate or public key of the channel. The folder holds both sides, because both are ours.
"""

import secrets
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from simulators.payment_channel import keys

WECHAT_KEY_BYTES: Final = 32
_FILE_MODE: Final = 0o600


class WeChat(Struct, frozen=True, kw_only=True):
    """`merchant_key` is the private one, PEM; the simulator only ever uses its public half."""

    mchid: str = "1900000100"
    sub_mchid: str = "1900000109"
    appid: str = "wxcbda96de0b165486"
    merchant_serial: str
    merchant_key: str
    api_v3_key: str
    platform_key: str
    platform_certificate: str
    platform_serial: str


class Alipay(Struct, frozen=True, kw_only=True):
    """`app_key` is the merchant's private one, PEM; `alipay_key` the channel's."""

    app_id: str = "2021000000000001"
    seller_id: str = "2088000000000001"
    app_key: str
    alipay_key: str
    alipay_public_key: str


class Parties(Struct, frozen=True, kw_only=True):
    """Both channels and their one merchant."""

    wechat: WeChat
    alipay: Alipay


def make_parties(now: datetime) -> Parties:
    """With new keys."""
    platform = keys.new_key()
    certificate = keys.certificate(platform, "Simulated WeChat Pay", now)
    alipay = keys.new_key()
    return Parties(
        wechat=WeChat(
            merchant_serial=secrets.token_hex(20).upper(),
            merchant_key=keys.private_pem(keys.new_key()),
            api_v3_key=secrets.token_hex(WECHAT_KEY_BYTES // 2),
            platform_key=keys.private_pem(platform),
            platform_certificate=keys.pem_of(certificate),
            platform_serial=keys.serial_of(certificate),
        ),
        alipay=Alipay(
            app_key=keys.private_pem(keys.new_key()),
            alipay_key=keys.private_pem(alipay),
            alipay_public_key=keys.public_pem(alipay.public_key()),
        ),
    )


def parties_in(folder: Path, now: datetime) -> Parties:
    """Those that the folder's `parties.json` holds; made when there are none, with a PEM file a key beside it."""
    file = folder / "parties.json"
    if file.exists():
        return msgspec.json.decode(file.read_bytes(), type=Parties)
    made = make_parties(now)
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        "wechat_merchant_key.pem": made.wechat.merchant_key,
        "wechat_platform_certificate.pem": made.wechat.platform_certificate,
        "wechat_api_v3_key.txt": made.wechat.api_v3_key,
        "alipay_app_key.pem": made.alipay.app_key,
        "alipay_public_key.pem": made.alipay.alipay_public_key,
        "parties.json": msgspec.json.format(msgspec.json.encode(made)).decode(),
    }
    for name, text in files.items():
        path = folder / name
        path.touch(mode=_FILE_MODE)
        path.write_text(text, encoding="utf-8")
    return made
