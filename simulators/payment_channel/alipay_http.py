"""Alipay's gateway over HTTP: one address, a form, the method and its JSON inside."""

import secrets
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web

from simulators.payment_channel import alipay_bill, alipay_fields, alipay_signature, keys
from simulators.payment_channel.alipay_methods import AlipayMethods
from simulators.payment_channel.answers import Refused, answered
from simulators.payment_channel.bill import Bills
from simulators.payment_channel.channel import Channel
from simulators.payment_channel.fields import Address, FieldRefused, Rules, check
from simulators.payment_channel.parties import Alipay
from simulators.payment_channel.wechat_words import BEIJING

SKEW_MAX: Final = timedelta(minutes=5)
BILL_HOUR: Final = 9
_TOKENS_MAX: Final = 1_000
_COMMON: Final = ("app_id", "method", "charset", "sign_type", "sign", "timestamp", "version")
_Do = Callable[[dict[str, Any], str], dict[str, Any]]


class AlipayHttp:
    """The gateway, and where bills are downloaded."""

    def __init__(self, channel: Channel, bills: Bills, parties: Alipay) -> None:
        self._channel, self._bills, self._parties = channel, bills, parties
        self._key = keys.read_private(parties.alipay_key)
        self._merchant = keys.read_private(parties.app_key).public_key()
        self._downloads: dict[str, date] = {}
        methods = AlipayMethods(channel)
        self._methods: Mapping[str, tuple[Rules, _Do]] = {
            "alipay.eco.mycar.parking.enterinfo.sync": (alipay_fields.ENTER, methods.enter),
            "alipay.eco.mycar.parking.exitinfo.sync": (alipay_fields.EXIT, methods.leave),
            "alipay.eco.mycar.parking.agreement.query": (alipay_fields.AGREEMENT, methods.agreement),
            "alipay.eco.mycar.parking.order.pay": (alipay_fields.PAY, methods.pay),
            "alipay.trade.precreate": (alipay_fields.PRECREATE, methods.precreate),
            "alipay.trade.query": (alipay_fields.QUERY, methods.query),
            "alipay.trade.close": (alipay_fields.QUERY, methods.close),
            "alipay.trade.refund": (alipay_fields.REFUND, methods.refund),
            "alipay.trade.fastpay.refund.query": (alipay_fields.REFUND_QUERY, methods.query_refund),
        }

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/gateway.do", self._gateway), web.get("/downloadBillFile.resource", self._download)]

    async def _gateway(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        name = "error_response"

        async def work() -> web.Response:
            nonlocal name
            form = dict(parse_qsl(body.decode(), keep_blank_values=True)) | dict(request.query)
            method = form.get("method", "")
            if method in self._methods or method == "alipay.data.dataservice.bill.downloadurl.query":
                name = f"{method.replace('.', '_')}_response"
            self._check(form)
            return self._said(name, {"code": "10000", "msg": "Success"} | self._done(request, method, form))

        def refusal(refused: Refused) -> web.Response:
            if refused.status >= 500:
                return web.Response(status=refused.status, text="Bad Gateway")
            return self._said(name, _refusal(refused))

        return await answered(request, self._channel.dice, self._channel.clock, work, refusal)

    def _done(self, request: web.Request, method: str, form: dict[str, str]) -> dict[str, Any]:
        try:
            content = msgspec.json.decode(form.get("biz_content", ""), type=dict[str, Any])
        except msgspec.DecodeError as wrong:
            raise Refused(400, "isv.invalid-parameter", "biz_content is no JSON object") from wrong
        notify_url = form.get("notify_url", "")
        try:
            Address(needed=False).check("notify_url", notify_url or "https://unset.invalid")
            if method not in self._methods:
                check(content, alipay_fields.BILL)
                return self._bill(request, date.fromisoformat(content["bill_date"]))
            rules, do = self._methods[method]
            check(content, rules)
        except (FieldRefused, ValueError) as refused:
            raise Refused(400, "isv.invalid-parameter", str(refused)) from refused
        return do(content, notify_url)

    def _check(self, form: dict[str, str]) -> None:
        """Raises Refused for what is not the merchant's, or not of our time."""
        if missing := [name for name in _COMMON if not form.get(name)]:
            raise Refused(400, f"isv.missing-{missing[0].replace('_', '-')}", f"{', '.join(missing)} missing")
        if form["app_id"] != self._parties.app_id:
            raise Refused(400, "isv.invalid-app-id", "no such app")
        known = {*self._methods, "alipay.data.dataservice.bill.downloadurl.query"}
        if form["method"] not in known:
            raise Refused(400, "isv.invalid-method", "no such method")
        if form["sign_type"] != alipay_signature.SIGN_TYPE or form["charset"].lower() != "utf-8":
            raise Refused(400, "isv.invalid-signature-type", "RSA2 and utf-8 are wanted")
        text = alipay_signature.signed_text(form, alipay_signature.REQUEST)
        if not keys.verifies(self._merchant, text, form["sign"]):
            raise Refused(400, "isv.invalid-signature", "the signature is not this request's")
        try:
            at = datetime.strptime(form["timestamp"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING)
        except ValueError as wrong:
            raise Refused(400, "isv.invalid-timestamp", "timestamp is no time") from wrong
        if abs(self._channel.clock.now() - at) > SKEW_MAX:
            raise Refused(400, "isv.invalid-timestamp", "the timestamp is more than five minutes off")

    def _said(self, name: str, said: dict[str, Any]) -> web.Response:
        body = alipay_signature.signed_answer(self._key, name, said)
        return web.Response(body=body, content_type="application/json", charset="utf-8")

    def _bill(self, request: web.Request, day: date) -> dict[str, Any]:
        is_closed = self._bills.is_closed(day, self._channel.clock.now(), BILL_HOUR)
        if not is_closed or not self._bills.of(day).lines:
            raise Refused(400, "isp.bill_not_exist", "there is no bill")
        token = secrets.token_urlsafe(16)
        while len(self._downloads) >= _TOKENS_MAX:
            self._downloads.pop(next(iter(self._downloads)))
        self._downloads[token] = day
        return {"bill_download_url": f"{request.url.origin()}/downloadBillFile.resource?bizType=trade&token={token}"}

    async def _download(self, request: web.Request) -> web.Response:
        day = self._downloads.get(request.query.get("token", ""))
        if day is None:
            return web.Response(status=404, text="the address has run out")
        packed = alipay_bill.written(self._bills.of(day), self._parties)
        return web.Response(body=packed, content_type="application/zip")


def _refusal(refused: Refused) -> dict[str, Any]:
    """In Alipay's words; all of them come with HTTP 200."""
    if refused.status == 429:
        return {"code": "40004", "msg": "Business Failed", "sub_code": "isv.app-call-limited", "sub_msg": "too often"}
    if refused.code.startswith("isv."):
        code, msg = ("40001", "Missing") if "missing" in refused.code else ("40002", "Invalid Arguments")
    else:
        code, msg = "40004", "Business Failed"
    return {"code": code, "msg": msg, "sub_code": refused.code, "sub_msg": refused.message}
