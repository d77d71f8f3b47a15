"""WeChat Pay's refunds, bills and certificates."""

import hashlib
import secrets
from datetime import date
from typing import Any, Final

from aiohttp import web

from simulators.payment_channel import keys, wechat_bill, wechat_fields, wechat_words
from simulators.payment_channel.answers import Refused
from simulators.payment_channel.bill import Bills
from simulators.payment_channel.truth import NoSuchNumber, NumberTaken, Refund, WrongMoment
from simulators.payment_channel.wechat_desk import WeChatDesk

BILL_HOUR: Final = 9
"""From then on, yesterday's bill is there."""
_TOKENS_MAX: Final = 1_000


class WeChatBooks:
    """Handlers."""

    def __init__(self, desk: WeChatDesk, bills: Bills) -> None:
        self._desk, self._bills = desk, bills
        self._downloads: dict[str, date] = {}

    def routes(self) -> list[web.RouteDef]:
        handler = self._desk.handler
        return [
            web.get("/v3/certificates", handler(self._certificates)),
            web.post("/v3/refund/domestic/refunds", handler(self._refund)),
            web.get("/v3/refund/domestic/refunds/{number}", handler(self._query_refund)),
            web.get("/v3/bill/tradebill", handler(self._bill)),
            web.get("/v3/billdownload/file", handler(self._download)),
        ]

    async def _certificates(self, _: web.Request, body: bytes) -> tuple[int, Any]:
        pem = self._desk.parties.platform_certificate.encode()
        nonce, sealed = keys.seal(self._desk.parties.api_v3_key.encode(), pem, b"certificate")
        now = self._desk.channel.clock.now()
        held = {
            "serial_no": self._desk.parties.platform_serial,
            "effective_time": wechat_words.moment(now.replace(year=now.year - 1, day=1)),
            "expire_time": wechat_words.moment(now.replace(year=now.year + 4, day=1)),
            "encrypt_certificate": {
                "algorithm": "AEAD_AES_256_GCM",
                "nonce": nonce,
                "associated_data": "certificate",
                "ciphertext": sealed,
            },
        }
        return 200, {"data": [held]}

    async def _refund(self, _: web.Request, body: bytes) -> tuple[int, Any]:
        told = self._desk.told(body, wechat_fields.REFUND)
        truth = self._desk.channel.truth
        try:
            number = told.get("out_trade_no") or truth.number_of(told.get("transaction_id", ""))
            order = truth.order(number)
            if told["amount"]["total"] != order.amount:
                raise Refused(400, "PARAM_ERROR", "amount.total is not the order's")
            now = self._desk.channel.clock.now()
            refund = self._desk.channel.refund(
                Refund(
                    number=told["out_refund_no"],
                    transaction=truth.next_id(now),
                    order=number,
                    amount=told["amount"]["refund"],
                    told=told,
                    notify_url=told.get("notify_url"),
                    created_at=now,
                )
            )
        except NoSuchNumber as unknown:
            raise Refused(404, "RESOURCE_NOT_EXISTS", "there is no such order") from unknown
        except NumberTaken as taken:
            raise Refused(400, "INVALID_REQUEST", "another refund has this out_refund_no") from taken
        except WrongMoment as moment:
            raise Refused(400, "INVALID_REQUEST", "it is not paid, or less is left than is asked back") from moment
        return 200, wechat_words.refund(refund, truth.orders[refund.order])

    async def _query_refund(self, request: web.Request, body: bytes) -> tuple[int, Any]:
        self._desk.sub_merchant(request.query)
        try:
            refund = self._desk.channel.truth.refund_of(request.match_info["number"])
        except NoSuchNumber as unknown:
            raise Refused(404, "RESOURCE_NOT_EXISTS", "there is no such refund") from unknown
        return 200, wechat_words.refund(refund, self._desk.channel.truth.orders[refund.order])

    async def _bill(self, request: web.Request, body: bytes) -> tuple[int, Any]:
        try:
            day = date.fromisoformat(request.query.get("bill_date", ""))
        except ValueError as wrong:
            raise Refused(400, "PARAM_ERROR", "bill_date must be YYYY-MM-DD") from wrong
        if request.query.get("bill_type", "ALL") != "ALL" or "tar_type" in request.query:
            raise Refused(400, "PARAM_ERROR", "only bill_type ALL, not packed, is simulated")
        if not self._bills.is_closed(day, self._desk.channel.clock.now(), BILL_HOUR):
            raise Refused(400, "STATEMENT_CREATING", "the bill is being made up: ask later")
        if not self._bills.of(day).lines:
            raise Refused(400, "NO_STATEMENT_EXIST", "nothing happened on that day")
        token = secrets.token_urlsafe(16)
        while len(self._downloads) >= _TOKENS_MAX:
            self._downloads.pop(next(iter(self._downloads)))
        self._downloads[token] = day
        digest = hashlib.sha1(self._written(day), usedforsecurity=False).hexdigest()
        address = f"{request.url.origin()}/v3/billdownload/file?token={token}"
        return 200, {"hash_type": "SHA1", "hash_value": digest, "download_url": address}

    async def _download(self, request: web.Request, body: bytes) -> tuple[int, Any]:
        day = self._downloads.get(request.query.get("token", ""))
        if day is None:
            raise Refused(404, "RESOURCE_NOT_EXISTS", "the address has run out")
        return 200, self._written(day)

    def _written(self, day: date) -> bytes:
        return wechat_bill.written(self._bills.of(day), self._desk.parties)
