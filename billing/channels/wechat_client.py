"""Signed requests to WeChat Pay, and whether to believe the answer. `wechat.py` says what is asked."""

import secrets
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
import orjson
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from msgspec import Struct
from yarl import URL

from billing.channels.protocol import ChannelAway, ChannelRefused
from billing.channels.session import Session
from billing.channels.wechat_signing import NotWechat, authorization, check
from kernel.clock import Clock

ALREADY_THERE: Final = frozenset(
    {"ALREADY_EXISTS", "OUT_TRADE_NO_USED", "ORDERPAID", "ORDER_PAID", "RESOURCE_ALREADY_EXISTS"}
)
"""We have sent it before: what became of it is asked."""
PASSING: Final = frozenset(
    {
        "SYSTEM_ERROR",
        "SYSTEMERROR",
        "BANK_ERROR",
        "BANKERROR",
        "FREQUENCY_LIMITED",
        "FREQUENCY_LIMIT_EXCEED",
        "RATELIMIT_EXCEEDED",
        "RATE_LIMITED",
    }
)
"""Said with a status below 500 now and then."""


class Merchant(Struct, frozen=True, kw_only=True):
    """Who we are to WeChat Pay."""

    mch_id: str
    serial: str
    key: RSAPrivateKey
    platform_keys: Mapping[str, RSAPublicKey]
    platform_key_id: str
    """Of the key that we want answers and notifications signed with."""


class WechatClient:
    """`gateway` is the base address, which the simulated channel replaces."""

    def __init__(self, session: Session, clock: Clock, gateway: str, merchant: Merchant) -> None:
        self._session = session
        self._clock = clock
        self._gateway = gateway.rstrip("/")
        self._merchant = merchant

    async def get(self, address: str) -> dict[str, Any]:
        """The object at `address` (path and query, quoted). Raises ChannelAway, ChannelRefused."""
        return await self._asked("GET", address, b"")

    async def post(self, address: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Raises ChannelAway, ChannelRefused."""
        return await self._asked("POST", address, orjson.dumps(body))

    async def download(self, url: str) -> bytes:
        """A bill at the address that WeChat gave; it answers without a signature, its hash was told before."""
        parts = urlsplit(url)
        address = parts.path + (f"?{parts.query}" if parts.query else "")
        status, _, body = await self._sent("GET", url, address, b"")
        if status != 200:
            raise ChannelAway(f"the bill was answered with {status}")
        return body

    async def _asked(self, method: str, address: str, body: bytes) -> dict[str, Any]:
        status, headers, said = await self._sent(method, self._gateway + address, address, body)
        is_signed = any(name.lower() == "wechatpay-signature" for name in headers)
        if status < 300 or is_signed:
            try:
                check(self._merchant.platform_keys, headers, said, self._clock.now())
            except NotWechat as reason:
                raise ChannelAway(f"answered {status}, {reason}") from None
        document = _object(said)
        if status < 300:
            return document
        code, message = str(document.get("code", "")), str(document.get("message", ""))
        if status == 429 or status >= 500 or not code or code in PASSING or code in ALREADY_THERE:
            raise ChannelAway(f"answered {status} {code}".rstrip())
        raise ChannelRefused(code, message[:200])

    async def _sent(self, method: str, url: str, address: str, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        ours = self._merchant
        signed = authorization(
            ours.key,
            mch_id=ours.mch_id,
            serial=ours.serial,
            method=method,
            address=address,
            at=self._clock.now(),
            nonce=secrets.token_hex(16),
            body=body,
        )
        headers = {
            "Authorization": signed,
            "Accept": "application/json",
            "Content-Type": "application/json",
            "User-Agent": "Berth",
            "Wechatpay-Serial": ours.platform_key_id,
        }
        try:
            return await self._session.send(method, URL(url, encoded=True), headers, body)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise ChannelAway(f"not reached: {type(error).__name__}") from error


def _object(said: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(said) if said else {}
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
