"""WeChat Pay's counter: a request is checked before it is read, and every answer is signed."""

import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
from aiohttp import web

from simulators.payment_channel import keys
from simulators.payment_channel.answers import Refused, answered
from simulators.payment_channel.channel import Channel
from simulators.payment_channel.fields import FieldRefused, Rules, check
from simulators.payment_channel.parties import WeChat
from simulators.payment_channel.truth import NumberTaken, Order, OrderState
from simulators.payment_channel.wechat_signature import NotSigned, check_request, headers_for

Work = Callable[[web.Request, bytes], Awaitable[tuple[int, Any]]]
"""Status and JSON (None: nothing; bytes: a file) of a request and its body."""


class WeChatDesk:
    """Everything that WeChat Pay's requests have in common."""

    def __init__(self, channel: Channel, parties: WeChat) -> None:
        self.channel, self.parties = channel, parties
        self._platform = keys.read_private(parties.platform_key)
        self._merchant = keys.read_private(parties.merchant_key).public_key()

    def handler(self, work: Work) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        """`work` behind the check of the signature, with what goes wrong before and after it."""

        async def handle(request: web.Request) -> web.StreamResponse:
            body = await request.read()

            async def checked() -> web.Response:
                self._check(request, body)
                try:
                    status, said = await work(request, body)
                except FieldRefused as refused:
                    raise Refused(400, "PARAM_ERROR", str(refused)) from refused
                if isinstance(said, bytes):
                    return web.Response(body=said, content_type="text/plain")  # a bill, which is not signed
                return self._signed(status, said)

            return await answered(request, self.channel.dice, self.channel.clock, checked, self._refusal)

        return handle

    def _check(self, request: web.Request, body: bytes) -> None:
        try:
            check_request(
                request.headers.get("Authorization", ""),
                mchid=self.parties.mchid,
                serial=self.parties.merchant_serial,
                key=self._merchant,
                method=request.method,
                target=request.raw_path,
                body=body,
                now=self.channel.clock.now(),
            )
        except NotSigned as wrong:
            raise Refused(401, "SIGN_ERROR", str(wrong)) from wrong
        if "application/json" not in request.headers.get("Accept", "") and "*/*" not in request.headers.get(
            "Accept", ""
        ):
            raise Refused(406, "PARAM_ERROR", "Accept must be application/json")
        if not request.headers.get("User-Agent"):
            raise Refused(400, "PARAM_ERROR", "a User-Agent is wanted")

    def _signed(self, status: int, said: Any) -> web.Response:
        body = b"" if said is None else msgspec.json.encode(said)
        headers = headers_for(self._platform, self.parties.platform_serial, body, self.channel.clock.now())
        headers |= {"Request-ID": secrets.token_hex(16).upper()}
        return web.Response(status=status, body=body, content_type="application/json", headers=headers)

    def _refusal(self, refused: Refused) -> web.Response:
        return self._signed(refused.status, {"code": refused.code, "message": refused.message})

    def place(self, told: dict[str, Any], way: Any, state: OrderState, **more: Any) -> Order:
        """The order that was asked for. Raises Refused."""
        now = self.channel.clock.now()
        try:
            return self.channel.place(
                Order(
                    number=told["out_trade_no"],
                    transaction=self.channel.truth.next_id(now),
                    way=way,
                    amount=told["amount"]["total"],
                    told=told,
                    notify_url=told["notify_url"],
                    created_at=now,
                    state=state,
                    **more,
                )
            )
        except NumberTaken as taken:
            raise Refused(403, "OUT_TRADE_NO_USED", "another order has this out_trade_no") from taken

    def told(self, body: bytes, rules: Rules) -> dict[str, Any]:
        """The body, checked. Raises Refused, FieldRefused."""
        try:
            told = msgspec.json.decode(body, type=dict[str, Any])
        except msgspec.DecodeError as wrong:
            raise Refused(400, "PARAM_ERROR", "the body is no JSON object") from wrong
        self.ours(told, rules)
        return told

    def ours(self, told: Mapping[str, Any], rules: Rules) -> None:
        """Raises FieldRefused, and Refused for another's sub-merchant."""
        check(told, rules)
        self.sub_merchant(told)

    def sub_merchant(self, told: Mapping[str, Any]) -> None:
        """Raises Refused when it is another's."""
        if told.get("sub_mchid") != self.parties.sub_mchid:
            raise Refused(403, "NO_AUTH", "sub_mchid: is missing, or is not yours")
