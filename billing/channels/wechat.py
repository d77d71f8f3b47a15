"""WeChat Pay for parking, as a service provider for sub-merchants (partner mode): `PaymentChannel`.

`wechat_asked` and `wechat_told` have the words, `wechat_signing` the keys, `wechat_client` the way out.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlencode

import orjson
from msgspec import Struct

from billing.channels import wechat_asked, wechat_told
from billing.channels.protocol import (
    Action,
    Announced,
    BillLine,
    CallbackRefused,
    ChannelAway,
    ChannelRefused,
    Entry,
    Heard,
    LaterOrder,
    NowOrder,
    PaymentTold,
    Plate,
    PlateState,
    RefundOrder,
    RefundStanding,
    RefundTold,
    Reply,
    Standing,
)
from billing.channels.session import Session
from billing.channels.wechat_bill import read_bill
from billing.channels.wechat_client import Merchant, WechatClient
from billing.channels.wechat_signing import NotWechat, check, decrypt
from kernel.clock import Clock

NOT_THERE: Final = frozenset(
    {"ORDER_NOT_EXIST", "ORDERNOTEXIST", "RESOURCE_NOT_EXISTS", "NOT_FOUND", "ORDER_NOT_EXISTS"}
)
NO_BILL: Final = frozenset({"NO_STATEMENT_EXIST", "STATEMENT_CREATING"})

Told = TypeVar("Told")


class WechatAccount(Struct, frozen=True, kw_only=True):
    """Our contract with WeChat Pay."""

    merchant: Merchant
    appid: str
    sub_mchid: str
    apiv3_key: bytes
    gateway: str
    notify_url: str
    profit_sharing: bool = False


class WechatChannel:
    """See `PaymentChannel`."""

    name = "wechat"
    makes_up_bills = True

    def __init__(self, account: WechatAccount, clock: Clock, session: Session) -> None:
        self._account = account
        self._session = session
        self._client = WechatClient(session, clock, account.gateway, account.merchant)

    async def eligibility(self, vehicle: Plate, contract: str | None) -> PlateState:
        """`contract` is the driver's openid; WeChat tells nothing without it."""
        if contract is None:
            return PlateState.OUT_SERVICE
        ours = self._account
        address = wechat_asked.find(vehicle, contract, appid=ours.appid, sub_mchid=ours.sub_mchid)
        return _read(wechat_told.service_state, await self._client.get(address))

    async def announce(self, entry: Entry) -> Announced:
        body = wechat_asked.parking(entry, sub_mchid=self._account.sub_mchid, notify_url=self._account.notify_url)
        return _read(wechat_told.announced, await self._client.post("/v3/vehicle/parking/parkings", body))

    async def charge(self, order: LaterOrder) -> PaymentTold:
        """An entry that was never announced is announced first: WeChat takes no charge without one."""
        ours = self._account
        parking_id = order.parking_id or (await self.announce(order.entry)).parking_id
        if parking_id is None:
            raise ChannelAway("gave the entry no id")
        body = wechat_asked.later(
            order,
            parking_id,
            appid=ours.appid,
            sub_mchid=ours.sub_mchid,
            notify_url=ours.notify_url,
            profit_sharing=ours.profit_sharing,
        )
        return _read(wechat_told.payment, await self._client.post("/v3/vehicle/transactions/parking", body))

    def action_of(self, _order: NowOrder) -> Action | None:
        return None

    async def order(self, order: NowOrder) -> Action:
        ours = self._account
        body = wechat_asked.native(
            order,
            appid=ours.appid,
            mch_id=ours.merchant.mch_id,
            sub_mchid=ours.sub_mchid,
            notify_url=ours.notify_url,
        )
        url = (await self._client.post("/v3/pay/partner/transactions/native", body)).get("code_url")
        if not isinstance(url, str) or not url:
            raise ChannelAway("gave no code to pay with")
        return Action(url)

    async def query(self, out_trade_no: str, *, pays_later: bool) -> PaymentTold:
        try:
            document = await self._client.get(self._order_address(out_trade_no, pays_later=pays_later))
        except ChannelRefused as refused:
            if refused.code in NOT_THERE:
                return PaymentTold(out_trade_no=out_trade_no, standing=Standing.UNKNOWN)
            raise
        return _read(wechat_told.payment, document)

    async def close(self, out_trade_no: str) -> None:
        ours = self._account
        address = f"/v3/pay/partner/transactions/out-trade-no/{quote(out_trade_no, safe='')}/close"
        await self._client.post(address, {"sp_mchid": ours.merchant.mch_id, "sub_mchid": ours.sub_mchid})

    async def refund(self, order: RefundOrder) -> RefundTold:
        body = wechat_asked.refund(order, sub_mchid=self._account.sub_mchid, notify_url=self._account.notify_url)
        return _read(wechat_told.refunded, await self._client.post("/v3/refund/domestic/refunds", body))

    async def query_refund(self, out_refund_no: str, out_trade_no: str) -> RefundTold:
        number = quote(out_refund_no, safe="")
        address = f"/v3/refund/domestic/refunds/{number}?{urlencode({'sub_mchid': self._account.sub_mchid})}"
        try:
            return _read(wechat_told.refunded, await self._client.get(address))
        except ChannelRefused as refused:
            if refused.code in NOT_THERE:
                return RefundTold(out_refund_no=out_refund_no, standing=RefundStanding.UNKNOWN)
            raise

    async def bill(self, day: date) -> Sequence[BillLine] | None:
        """Made up at about ten in the morning of the next day."""
        asked = {"bill_date": day.isoformat(), "bill_type": "ALL", "sub_mchid": self._account.sub_mchid}
        try:
            told = await self._client.get(f"/v3/bill/tradebill?{urlencode(asked)}")
        except ChannelRefused as refused:
            if refused.code in NO_BILL:
                return None
            raise
        document = await self._client.download(str(told.get("download_url", "")))
        if hashlib.sha1(document, usedforsecurity=False).hexdigest() != str(told.get("hash_value", "")).lower():
            raise ChannelAway("the bill is not the one whose hash was told")
        return read_bill(document)

    def hear(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Heard:
        ours = self._account
        try:
            check(ours.merchant.platform_keys, headers, body, now)
            document = orjson.loads(body)
            plain = orjson.loads(decrypt(ours.apiv3_key, document["resource"]))
            if not isinstance(plain, dict):
                raise NotWechat("encrypted is no object")
        except NotWechat as reason:
            raise CallbackRefused(str(reason)) from None
        except (ValueError, TypeError, KeyError):
            raise CallbackRefused("signed, and no notification") from None
        return wechat_told.notification(document, plain)

    def reply(self, *, is_taken: bool, is_verified: bool = True) -> Reply:
        """Anything but 200 or 204 is told again, for 24 hours."""
        if is_taken:
            return Reply(200, "application/json", b'{"code":"SUCCESS"}')
        status, why = (500, "try again") if is_verified else (401, "not verified")
        return Reply(status, "application/json", orjson.dumps({"code": "FAIL", "message": why}))

    async def close_connections(self) -> None:
        await self._session.close()

    def _order_address(self, out_trade_no: str, *, pays_later: bool) -> str:
        number, ours = quote(out_trade_no, safe=""), self._account
        if pays_later:
            return f"/v3/vehicle/transactions/out-trade-no/{number}?{urlencode({'sub_mchid': ours.sub_mchid})}"
        asked = {"sp_mchid": ours.merchant.mch_id, "sub_mchid": ours.sub_mchid}
        return f"/v3/pay/partner/transactions/out-trade-no/{number}?{urlencode(asked)}"


def _read(reader: Callable[[Mapping[str, Any]], Told], document: dict[str, Any]) -> Told:
    """An answer that says nothing that we know is no answer."""
    try:
        return reader(document)
    except wechat_told.Unreadable as reason:
        raise ChannelAway(f"answered with {reason}") from None
