"""Which payment channels there are, from the settings: built once for each process."""

import secrets
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate

from billing.channels.alipay import AlipayAccount, AlipayChannel
from billing.channels.alipay_client import AlipayApp
from billing.channels.patience import Patience
from billing.channels.protocol import PaymentChannel
from billing.channels.sandbox import SandboxChannel
from billing.channels.session import Session
from billing.channels.wechat import WechatAccount, WechatChannel
from billing.channels.wechat_client import Merchant
from billing.errors import UnknownChannel
from billing.settings import AlipaySettings, ChannelsSettings, WechatSettings
from kernel.clock import Clock
from kernel.db import Database


class KeyUnusable(ValueError):
    """A key file that is missing, or holds no RSA key; the message names the file."""


class Channels:
    """Those that can be chosen, and `default`."""

    def __init__(self, channels: Mapping[str, PaymentChannel], default: str) -> None:
        self._channels = dict(channels)
        self.patience = Patience()
        self.default = default if default in channels else next(iter(channels), "")

    @property
    def names(self) -> list[str]:
        return list(self._channels)

    @property
    def sandbox(self) -> SandboxChannel | None:
        found = self._channels.get(SandboxChannel.name)
        return found if isinstance(found, SandboxChannel) else None

    def chosen(self, name: str | None) -> PaymentChannel:
        """The default where None is named. Raises UnknownChannel."""
        found = self._channels.get(self.default if name is None else name)
        if found is None:
            raise UnknownChannel(
                f"choose one of {', '.join(self.names) or 'none: none is configured here'}", channels=self.names
            )
        return found

    def known(self, name: str) -> PaymentChannel | None:
        """None for one that is not configured here any more."""
        return self._channels.get(name)

    async def close(self) -> None:
        for channel in self._channels.values():
            await channel.close_connections()


def offered(settings: ChannelsSettings, database: Database, *, listens_at: str) -> Channels:
    """Of these settings; `listens_at` is our own address, for a sandbox that nobody reaches from elsewhere. Raises
    KeyUnusable.
    """
    clock, url = database.clock, settings.public_url.rstrip("/") or listens_at.rstrip("/")
    channels: dict[str, PaymentChannel] = {}
    if settings.wechat.mch_id:
        channels["wechat"] = _wechat(settings.wechat, clock, f"{url}/v1/callbacks/wechat")
    if settings.alipay.app_id:
        channels["alipay"] = _alipay(settings.alipay, clock, f"{url}/v1/callbacks/alipay")
    if settings.has_sandbox:
        secret = settings.sandbox.secret.get_secret_value().encode()
        channels["sandbox"] = SandboxChannel(
            database,
            collects_after=timedelta(seconds=settings.sandbox.collects_after_s),
            secret=secret or secrets.token_bytes(32),
            pay_url=f"{url}/v1/sandbox/orders",
        )
    return Channels(channels, settings.default)


def _wechat(settings: WechatSettings, clock: Clock, notify_url: str) -> WechatChannel:
    merchant = Merchant(
        mch_id=settings.mch_id,
        serial=settings.serial,
        key=_private(settings.private_key_file),
        platform_keys={
            settings.platform_key_id: _public(settings.platform_key_file),
            **{number: _public(file) for number, file in settings.more_platform_keys.items()},
        },
        platform_key_id=settings.platform_key_id,
    )
    account = WechatAccount(
        merchant=merchant,
        appid=settings.appid,
        sub_mchid=settings.sub_mchid,
        apiv3_key=settings.apiv3_key.get_secret_value().encode(),
        gateway=settings.gateway,
        notify_url=notify_url,
        profit_sharing=settings.profit_sharing,
    )
    return WechatChannel(account, clock, Session())


def _alipay(settings: AlipaySettings, clock: Clock, notify_url: str) -> AlipayChannel:
    app = AlipayApp(
        app_id=settings.app_id,
        key=_private(settings.private_key_file),
        alipay_key=_public(settings.alipay_key_file),
        gateway=settings.gateway,
        app_auth_token=settings.app_auth_token.get_secret_value(),
    )
    account = AlipayAccount(
        app=app,
        seller_id=settings.seller_id,
        parking_id=settings.parking_id,
        parking_ids=settings.parking_ids,
        notify_url=notify_url,
    )
    return AlipayChannel(account, clock, Session())


def _private(path: Path | None) -> RSAPrivateKey:
    try:
        key = load_pem_private_key(_read(path), password=None)
    except (ValueError, TypeError) as error:
        raise KeyUnusable(f"{path} holds no private key in PEM") from error
    if not isinstance(key, RSAPrivateKey):
        raise KeyUnusable(f"{path} holds no RSA key")
    return key


def _public(path: Path | None) -> RSAPublicKey:
    """Of a key, or of a certificate."""
    pem = _read(path)
    try:
        is_certificate = b"BEGIN CERTIFICATE" in pem
        key = load_pem_x509_certificate(pem).public_key() if is_certificate else load_pem_public_key(pem)
    except (ValueError, TypeError) as error:
        raise KeyUnusable(f"{path} holds no public key in PEM") from error
    if not isinstance(key, RSAPublicKey):
        raise KeyUnusable(f"{path} holds no RSA key")
    return key


def _read(path: Path | None) -> bytes:
    try:
        return (path or Path()).read_bytes()
    except OSError as error:
        raise KeyUnusable(f"{path} cannot be read: {error.strerror}") from error
