"""Signed requests to Alipay's gateway, and whether to believe the answer. `alipay.py` says what is asked."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

import aiohttp
import orjson
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from msgspec import Struct
from yarl import URL

from billing.channels.alipay_signing import SIGN_TYPE, NotAlipay, answered, sign
from billing.channels.alipay_wire import clock_time
from billing.channels.protocol import ChannelAway, ChannelRefused
from billing.channels.session import Session
from kernel.clock import Clock

DONE: Final = "10000"
IN_PROCESS: Final = "10003"
"""`code` of a payment that was taken and is not done yet."""
PASSING: Final = frozenset({"20000"})
"""`code` of what the gateway could not do just now."""
UNSURE: Final = frozenset(
    {
        "ACQ.SYSTEM_ERROR",
        "SYSTEM_ERROR",
        "aop.ACQ.SYSTEM_ERROR",
        "isp.unknow-error",
        "isp.call-limited",
        "isv.app-call-limited",
        "ACQ.TRADE_HAS_SUCCESS",
        "ACQ.CONTEXT_INCONSISTENT",
        "ACQ.REQUEST_HAS_EXECUTED",
        "OUT_TRADE_NO_EXIST",
        "ORDER_EXIST",
    }
)
"""`sub_code` of what may have been done, now or before: it is asked."""


class AlipayApp(Struct, frozen=True, kw_only=True):
    """Who we are to Alipay."""

    app_id: str
    key: RSAPrivateKey
    alipay_key: RSAPublicKey
    gateway: str
    app_auth_token: str = ""


class AlipayClient:
    """`app.gateway` is the whole address, which the simulated channel replaces."""

    def __init__(self, session: Session, clock: Clock, app: AlipayApp) -> None:
        self._session = session
        self._clock = clock
        self._app = app

    async def ask(self, method: str, content: Mapping[str, Any], *, notify_url: str = "") -> dict[str, Any]:
        """The answer of `method`. Raises ChannelAway, ChannelRefused with Alipay's `sub_code`."""
        said = await self._sent(self._parameters(method, content, notify_url))
        try:
            document = orjson.loads(answered(self._app.alipay_key, method, said))
        except NotAlipay as reason:
            raise ChannelAway(f"answered, {reason}") from None
        code, sub_code = str(document.get("code", "")), str(document.get("sub_code", ""))
        if code in (DONE, IN_PROCESS):
            return dict(document)
        if code in PASSING or not sub_code or sub_code in UNSURE:
            raise ChannelAway(f"answered {code} {sub_code}".rstrip())
        raise ChannelRefused(sub_code, str(document.get("sub_msg", ""))[:200])

    async def download(self, url: str) -> bytes:
        """A bill, at the address that a signed answer gave."""
        try:
            status, _, body = await self._session.send("GET", URL(url, encoded=True), {}, b"")
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise ChannelAway(f"the bill was not reached: {type(error).__name__}") from error
        if status != 200:
            raise ChannelAway(f"the bill was answered with {status}")
        return body

    def _parameters(self, method: str, content: Mapping[str, Any], notify_url: str) -> dict[str, str]:
        parameters = {
            "app_id": self._app.app_id,
            "method": method,
            "format": "JSON",
            "charset": "utf-8",
            "sign_type": SIGN_TYPE,
            "timestamp": clock_time(self._clock.now()),
            "version": "1.0",
            "biz_content": orjson.dumps(content).decode(),
        }
        if notify_url:
            parameters["notify_url"] = notify_url
        if self._app.app_auth_token:
            parameters["app_auth_token"] = self._app.app_auth_token
        return parameters | {"sign": sign(self._app.key, parameters)}

    async def _sent(self, parameters: Mapping[str, str]) -> bytes:
        headers = {"Content-Type": "application/x-www-form-urlencoded;charset=utf-8", "User-Agent": "Berth"}
        try:
            status, _, said = await self._session.send(
                "POST", URL(self._app.gateway, encoded=True), headers, urlencode(parameters).encode()
            )
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise ChannelAway(f"not reached: {type(error).__name__}") from error
        if status != 200:
            raise ChannelAway(f"answered {status}")
        return said
