"""WeChat Pay's orders: entries, charges that are collected later, codes that are paid now."""

from datetime import datetime
from typing import Any

from aiohttp import web

from simulators.payment_channel import wechat_fields, wechat_words
from simulators.payment_channel.answers import Refused
from simulators.payment_channel.truth import Entry, NoSuchNumber, NumberTaken, OrderState, PlateState, WrongMoment
from simulators.payment_channel.wechat_desk import WeChatDesk


class WeChatOrders:
    """Handlers."""

    def __init__(self, desk: WeChatDesk) -> None:
        self._desk = desk

    def routes(self) -> list[web.RouteDef]:
        handler = self._desk.handler
        return [
            web.get("/v3/vehicle/parking/services/find", handler(self._find)),
            web.post("/v3/vehicle/parking/parkings", handler(self._enter)),
            web.post("/v3/vehicle/transactions/parking", handler(self._charge)),
            web.get("/v3/vehicle/transactions/out-trade-no/{number}", handler(self._query_later)),
            web.post("/v3/pay/partner/transactions/native", handler(self._native)),
            web.get("/v3/pay/partner/transactions/out-trade-no/{number}", handler(self._query_now)),
            web.post("/v3/pay/partner/transactions/out-trade-no/{number}/close", handler(self._close)),
        ]

    async def _find(self, request: web.Request, body: bytes) -> tuple[int, Any]:
        asked = dict(request.query)
        self._desk.ours(asked, wechat_fields.FIND)
        state = self._desk.channel.plate_state(wechat_words.plate_in(asked))
        said = {name: asked[name] for name in ("plate_number", "plate_color", "openid")} | {"service_state": str(state)}
        if state is not PlateState.OUT_SERVICE:
            said["service_open_time"] = "2020-05-20T13:29:35+08:00"
        return 200, said

    async def _enter(self, _: web.Request, body: bytes) -> tuple[int, Any]:
        told = self._desk.told(body, wechat_fields.ENTRY)
        plate = wechat_words.plate_in(told)
        entry = Entry(
            number=told["out_parking_no"],
            id=self._desk.channel.truth.next_id(self._desk.channel.clock.now()),
            plate=plate,
            told=told,
            notify_url=told["notify_url"],
        )
        try:
            entry = self._desk.channel.truth.enter(entry)
        except NumberTaken as taken:
            raise Refused(400, "ALREADY_EXISTS", "another entry has this out_parking_no") from taken
        return 200, wechat_words.parking(entry, self._desk.channel.plate_state(plate))

    async def _charge(self, _: web.Request, body: bytes) -> tuple[int, Any]:
        told = self._desk.told(body, wechat_fields.CHARGE)
        info = told["parking_info"]
        plate = wechat_words.plate_in(info)
        entry = self._desk.channel.truth.entry_of(info["parking_id"])
        if entry is None or entry.plate != plate:
            raise Refused(400, "PARAM_ERROR", "parking_info.parking_id is no entry of this vehicle")
        if datetime.fromisoformat(info["end_time"]) < datetime.fromisoformat(info["start_time"]):
            raise Refused(400, "PARAM_ERROR", "parking_info.end_time is before start_time")
        state = self._desk.channel.plate_state(plate)
        if state is not PlateState.NORMAL and told["out_trade_no"] not in self._desk.channel.truth.orders:
            raise Refused(403, "TRADE_ERROR", f"the vehicle cannot be charged: {state}")
        order = self._desk.place(told, "later", OrderState.ACCEPTED, plate=plate)
        return 200, wechat_words.transaction(self._desk.parties, order)

    async def _native(self, _: web.Request, body: bytes) -> tuple[int, Any]:
        told = self._desk.told(body, wechat_fields.NATIVE)
        if told["sp_mchid"] != self._desk.parties.mchid:
            raise Refused(403, "NO_AUTH", "sp_mchid is not who signed")
        expires = told.get("time_expire")
        expires_at = None if expires is None else datetime.fromisoformat(expires)
        if expires_at is not None and expires_at <= self._desk.channel.clock.now():
            raise Refused(400, "PARAM_ERROR", "time_expire is past")
        order = self._desk.place(told, "now", OrderState.WAITING, expires_at=expires_at)
        if order.state is OrderState.SUCCEEDED:
            raise Refused(400, "ORDERPAID", "it is paid")
        if order.state is OrderState.CLOSED:
            raise Refused(400, "ORDER_CLOSED", "it is closed")
        return 200, {"code_url": f"weixin://wxpay/bizpayurl?pr={order.transaction[-12:]}"}

    async def _close(self, request: web.Request, body: bytes) -> tuple[int, Any]:
        self._desk.told(body, wechat_fields.CLOSE)
        try:
            self._desk.channel.truth.close(request.match_info["number"])
        except NoSuchNumber as unknown:
            raise Refused(404, "ORDER_NOT_EXIST", "no order has this out_trade_no") from unknown
        except WrongMoment as moment:
            raise Refused(400, "ORDERPAID", "it is paid") from moment
        return 204, None

    async def _query_later(self, request: web.Request, body: bytes) -> tuple[int, Any]:
        return self._query(request, "later")

    async def _query_now(self, request: web.Request, body: bytes) -> tuple[int, Any]:
        if request.query.get("sp_mchid") != self._desk.parties.mchid:
            raise Refused(400, "PARAM_ERROR", "sp_mchid: is missing or another's")
        return self._query(request, "now")

    def _query(self, request: web.Request, way: str) -> tuple[int, Any]:
        self._desk.sub_merchant(request.query)
        order = self._desk.channel.truth.orders.get(request.match_info["number"])
        if order is None or order.way != way:
            raise Refused(404, "ORDER_NOT_EXIST", "no order has this out_trade_no")
        return 200, wechat_words.transaction(self._desk.parties, order)
