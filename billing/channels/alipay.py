"""Alipay for parking: `PaymentChannel`. `alipay_wire` has the words, `alipay_signing` the keys, `alipay_client` the way
out.

Alipay mostly collects at once and says so in its answer.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl

import structlog
from msgspec import Struct
from msgspec.structs import replace

from billing.channels import alipay_wire as wire
from billing.channels.alipay_bill import read_bill
from billing.channels.alipay_client import AlipayApp, AlipayClient
from billing.channels.alipay_signing import NotAlipay, check_notification
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
from kernel.clock import Clock

NOT_THERE: Final = frozenset({"ACQ.TRADE_NOT_EXIST", "TRADE_NOT_EXIST"})
NO_BILL: Final = frozenset({"isp.bill_not_exist", "isv.bill_not_exist"})
OLD_AFTER: Final = timedelta(hours=25)
"""Alipay tells a notification again for 24 hours; what is older is a repetition of somebody else's."""
AHEAD_MAX: Final = timedelta(minutes=5)
FIELDS_MAX: Final = 100

Told = TypeVar("Told")

log = structlog.get_logger(__name__)


class AlipayAccount(Struct, frozen=True, kw_only=True):
    """Our contract with Alipay. `parking_ids`: its own ids of our car parks; `parking_id` of all others."""

    app: AlipayApp
    seller_id: str
    parking_id: str
    notify_url: str
    parking_ids: Mapping[str, str] = {}


class AlipayChannel:
    """See `PaymentChannel`."""

    name = "alipay"
    makes_up_bills = True

    def __init__(self, account: AlipayAccount, clock: Clock, session: Session) -> None:
        self._account = account
        self._session = session
        self._client = AlipayClient(session, clock, account.app)

    async def eligibility(self, vehicle: Plate, contract: str | None) -> PlateState:
        """`contract` is the driver's user id, where it is known: with it Alipay is surer."""
        asked = {"car_number": vehicle.number} | ({"alipay_user_id": contract} if contract else {})
        return _read(wire.agreement, await self._client.ask("alipay.eco.mycar.parking.agreement.query", asked))

    async def announce(self, entry: Entry) -> Announced:
        """It answers by whatever name the entry has: our own number goes with the charge."""
        content = wire.entered(entry, self._parking_id(entry))
        await self._client.ask("alipay.eco.mycar.parking.enterinfo.sync", content)
        return Announced(None, await self.eligibility(entry.vehicle, None))

    async def charge(self, order: LaterOrder) -> PaymentTold:
        parking_id = self._parking_id(order.entry)
        content = wire.later(order, parking_id=parking_id, seller_id=self._account.seller_id)
        document = await self._client.ask(
            "alipay.eco.mycar.parking.order.pay", content, notify_url=self._account.notify_url
        )
        told = _read(lambda said: wire.collected(said, order.out_trade_no), document)
        try:
            await self._client.ask("alipay.eco.mycar.parking.exitinfo.sync", wire.left(order, parking_id))
        except (
            ChannelAway,
            ChannelRefused,
        ) as error:  # the money is there: this only ends the stay in an app
            log.info("alipay was not told of an exit", error=str(error))
        return told

    def action_of(self, _order: NowOrder) -> Action | None:
        return None

    async def order(self, order: NowOrder) -> Action:
        content = wire.now(order, seller_id=self._account.seller_id)
        document = await self._client.ask("alipay.trade.precreate", content, notify_url=self._account.notify_url)
        url = document.get("qr_code")
        if not isinstance(url, str) or not url:
            raise ChannelAway("gave no code to pay with")
        return Action(url)

    async def query(self, out_trade_no: str, *, pays_later: bool) -> PaymentTold:
        """Of what it collects under an agreement, it waits for nobody but itself."""
        try:
            document = await self._client.ask("alipay.trade.query", {"out_trade_no": out_trade_no})
        except ChannelRefused as refused:
            if refused.code in NOT_THERE:
                return PaymentTold(out_trade_no=out_trade_no, standing=Standing.UNKNOWN)
            raise
        told = _read(wire.payment, document)
        if pays_later and told.standing is Standing.WAITING:
            return replace(told, standing=Standing.ACCEPTED)
        return told

    async def close(self, out_trade_no: str) -> None:
        """A code that nobody has scanned has made no trade yet: there is nothing to close."""
        try:
            await self._client.ask("alipay.trade.close", {"out_trade_no": out_trade_no})
        except ChannelRefused as refused:
            if refused.code not in NOT_THERE:
                raise

    async def refund(self, order: RefundOrder) -> RefundTold:
        document = await self._client.ask("alipay.trade.refund", wire.refund(order))
        return _read(lambda said: wire.given_back(said, order), document)

    async def query_refund(self, out_refund_no: str, out_trade_no: str) -> RefundTold:
        asked = {"out_trade_no": out_trade_no, "out_request_no": out_refund_no}
        try:
            document = await self._client.ask("alipay.trade.fastpay.refund.query", asked)
        except ChannelRefused as refused:
            if refused.code in NOT_THERE:
                return RefundTold(out_refund_no=out_refund_no, standing=RefundStanding.UNKNOWN)
            raise
        return _read(lambda said: wire.refund_status(said, out_refund_no), document)

    async def bill(self, day: date) -> Sequence[BillLine] | None:
        """Made up at about nine in the morning of the next day."""
        asked = {"bill_type": "trade", "bill_date": day.isoformat()}
        try:
            told = await self._client.ask("alipay.data.dataservice.bill.downloadurl.query", asked)
        except ChannelRefused as refused:
            if refused.code in NO_BILL:
                return None
            raise
        return read_bill(await self._client.download(str(told.get("bill_download_url", ""))))

    def hear(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Heard:
        parameters = _form(body)
        try:
            check_notification(self._account.app.alipay_key, parameters)
        except NotAlipay as reason:
            raise CallbackRefused(str(reason)) from None
        if parameters.get("app_id") != self._account.app.app_id:
            raise CallbackRefused("signed, and for another app")
        at = wire.read_time(parameters.get("notify_time"))
        if at is None or not -AHEAD_MAX <= now - at <= OLD_AFTER:
            raise CallbackRefused("not of our time")
        return wire.notification(parameters)

    def reply(self, *, is_taken: bool, is_verified: bool = True) -> Reply:
        """Anything but the word `success` is told again, for 24 hours."""
        return Reply(200 if is_taken or is_verified else 401, "text/plain", b"success" if is_taken else b"failure")

    async def close_connections(self) -> None:
        await self._session.close()

    def _parking_id(self, entry: Entry) -> str:
        return self._account.parking_ids.get(entry.car_park, self._account.parking_id)


def _form(body: bytes) -> dict[str, str]:
    """Raises CallbackRefused for what is no form, or names something twice: which one was signed?"""
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, strict_parsing=True, max_num_fields=FIELDS_MAX)
    except ValueError:
        raise CallbackRefused("no form") from None
    if len(dict(pairs)) != len(pairs):
        raise CallbackRefused("a field is there twice")
    return dict(pairs)


def _read(reader: Callable[[Mapping[str, Any]], Told], document: dict[str, Any]) -> Told:
    """An answer that says nothing that we know is no answer."""
    try:
        return reader(document)
    except wire.Unreadable as reason:
        raise ChannelAway(f"answered with {reason}") from None
