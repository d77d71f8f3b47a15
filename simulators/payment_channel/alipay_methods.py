"""What Alipay's methods do, with checked content; how they are asked and answered is the gateway's."""

from datetime import datetime
from typing import Any

from simulators.payment_channel.alipay_fields import COLORS
from simulators.payment_channel.alipay_voice import moment
from simulators.payment_channel.answers import Refused
from simulators.payment_channel.bill import yuan
from simulators.payment_channel.channel import Channel
from simulators.payment_channel.truth import (
    NoSuchNumber,
    NumberTaken,
    Order,
    OrderState,
    PlateState,
    Refund,
    RefundState,
    Vehicle,
    WrongMoment,
)
from simulators.payment_channel.wechat_words import BEIJING

_STATUS = {
    OrderState.WAITING: "WAIT_BUYER_PAY",
    OrderState.ACCEPTED: "WAIT_BUYER_PAY",
    OrderState.SUCCEEDED: "TRADE_SUCCESS",
    OrderState.FAILED: "TRADE_CLOSED",
    OrderState.CLOSED: "TRADE_CLOSED",
}
_AGREED = {"agreement_status": "0", "agreement_scene": "PLATE_PAY", "car_status": "NON-SENSE-PAY"}
_NOT_AGREED = {"agreement_status": "1", "agreement_scene": "NO_AGREEMENT_SCENE", "car_status": "NORMAL"}


class AlipayMethods:
    """Each takes the content and where notices go, and answers what stands beside the code. Raises Refused."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def enter(self, content: dict[str, Any], _notify_url: str) -> dict[str, Any]:
        state = self._state(content["car_number"], content.get("car_color"))
        said = {"serial_no": self._channel.truth.next_id(self._channel.clock.now())}
        return said | _agreement(state) if content.get("agreement_query") else said

    def leave(self, content: dict[str, Any], _notify_url: str) -> dict[str, Any]:
        return {}

    def agreement(self, content: dict[str, Any], _notify_url: str) -> dict[str, Any]:
        return _agreement(self._state(content["car_number"], content.get("car_number_color")))

    def pay(self, content: dict[str, Any], notify_url: str) -> dict[str, Any]:
        """Collected before it is answered; now and then it takes longer, and is told."""
        state = self._state(content["car_number"], content.get("car_number_color"))
        number = content["out_trade_no"]
        held = self._channel.truth.orders.get(number)
        if state is not PlateState.NORMAL and held is None:
            raise Refused(400, "ACQ.AGREEMENT_NOT_EXIST", f"the vehicle cannot be charged: {state}")
        plate = Vehicle(content["car_number"], COLORS[content.get("car_number_color", "BLUE")])
        placed = self._place(content, notify_url, "later", fen(content["total_fee"]), plate=plate)
        if held is not None and held.state is OrderState.SUCCEEDED:
            raise Refused(400, "ACQ.TRADE_HAS_SUCCESS", "it is paid")
        if self._channel.is_pending(placed):
            return {"code": "10003", "msg": "order success pay inprocess"}
        order = self._channel.collect_at_once(number)
        if order.state is OrderState.FAILED:
            raise Refused(400, "ACQ.BUYER_BALANCE_NOT_ENOUGH", "the buyer has not enough")
        said = {
            "out_trade_no": number,
            "trade_no": order.transaction,
            "total_fee": yuan(order.amount),
            "user_id": "2088000000000099",
            "gmt_payment": moment(order.succeeded_at or order.created_at),
        }
        return said | ({"advance_amount": yuan(order.amount)} if order.is_advanced else {})

    def precreate(self, content: dict[str, Any], notify_url: str) -> dict[str, Any]:
        until = content.get("time_expire")
        expires_at = datetime.strptime(until, "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING) if until else None
        order = self._place(content, notify_url, "now", fen(content["total_amount"]), expires_at=expires_at)
        if order.state is OrderState.SUCCEEDED:
            raise Refused(400, "ACQ.TRADE_HAS_SUCCESS", "it is paid")
        if order.state is OrderState.CLOSED:
            raise Refused(400, "ACQ.TRADE_HAS_CLOSE", "it is closed")
        return {"out_trade_no": order.number, "qr_code": f"https://qr.alipay.com/bax{order.transaction[-12:]}"}

    def query(self, content: dict[str, Any], _notify_url: str) -> dict[str, Any]:
        order = self._order(content)
        said = {
            "out_trade_no": order.number,
            "trade_no": order.transaction,
            "trade_status": _STATUS[order.state],
            "total_amount": yuan(order.amount),
            "buyer_logon_id": "use***@example.com",
        }
        return said | ({} if order.succeeded_at is None else {"send_pay_date": moment(order.succeeded_at)})

    def close(self, content: dict[str, Any], _notify_url: str) -> dict[str, Any]:
        order = self._order(content)
        try:
            self._channel.truth.close(order.number)
        except WrongMoment as moment_:
            raise Refused(400, "ACQ.TRADE_STATUS_ERROR", "it is paid") from moment_
        return {"out_trade_no": order.number, "trade_no": order.transaction}

    def refund(self, content: dict[str, Any], _notify_url: str) -> dict[str, Any]:
        """Given back before it is answered; the same again moves nothing."""
        order, now = self._order(content), self._channel.clock.now()
        number = content.get("out_request_no") or order.number
        before = self._channel.truth.refunds.get(number)
        try:
            refund = self._channel.refund_at_once(
                Refund(
                    number=number,
                    transaction=order.transaction,
                    order=order.number,
                    amount=fen(content["refund_amount"]),
                    told=content,
                    notify_url=order.notify_url,
                    created_at=now,
                )
            )
        except NumberTaken as taken:
            raise Refused(400, "ACQ.DISCORDANT_REPEAT_REQUEST", "another refund has this number") from taken
        except WrongMoment as moment_:
            raise Refused(400, "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL", "not paid, or less is left") from moment_
        if refund.state is not RefundState.SUCCEEDED:
            raise Refused(400, "ACQ.SELLER_BALANCE_NOT_ENOUGH", "the seller has not enough")
        moved = before is None or before.state is not RefundState.SUCCEEDED
        return {
            "out_trade_no": order.number,
            "trade_no": order.transaction,
            "buyer_logon_id": "use***@example.com",
            "fund_change": "Y" if moved else "N",
            "refund_fee": yuan(self._channel.truth.orders[order.number].refunded),
        }

    def query_refund(self, content: dict[str, Any], _notify_url: str) -> dict[str, Any]:
        """Of one that there is not, nothing is said, and that is no refusal."""
        order = self._order(content)
        refund = self._channel.truth.refunds.get(content["out_request_no"])
        if refund is None or refund.order != order.number or refund.state is not RefundState.SUCCEEDED:
            return {}
        return {
            "out_trade_no": order.number,
            "trade_no": order.transaction,
            "out_request_no": refund.number,
            "refund_status": "REFUND_SUCCESS",
            "total_amount": yuan(order.amount),
            "refund_amount": yuan(refund.amount),
        }

    def _state(self, number: str, color: str | None) -> PlateState:
        return self._channel.plate_state(Vehicle(number, COLORS[color or "BLUE"]))

    def _order(self, content: dict[str, Any]) -> Order:
        """A code that nobody has scanned has made no trade yet."""
        truth = self._channel.truth
        try:
            order = truth.order(content.get("out_trade_no") or truth.number_of(content.get("trade_no", "")))
        except NoSuchNumber as unknown:
            raise Refused(400, "ACQ.TRADE_NOT_EXIST", "there is no such trade") from unknown
        if order.state is OrderState.WAITING:
            raise Refused(400, "ACQ.TRADE_NOT_EXIST", "nobody has scanned it")
        return order

    def _place(self, content: dict[str, Any], notify_url: str, way: Any, amount: int, **more: Any) -> Order:
        now = self._channel.clock.now()
        order = Order(
            number=content["out_trade_no"],
            transaction=self._channel.truth.next_id(now),
            way=way,
            amount=amount,
            told=content,
            notify_url=notify_url,
            created_at=now,
            state=OrderState.WAITING if way == "now" else OrderState.ACCEPTED,
            **more,
        )
        try:
            return self._channel.place(order)
        except NumberTaken as taken:
            raise Refused(400, "ACQ.CONTEXT_INCONSISTENT", "another trade has this out_trade_no") from taken


def fen(yuan_: str) -> int:
    """Of a checked amount."""
    whole, _, part = yuan_.partition(".")
    return int(whole) * 100 + int(part)


def _agreement(state: PlateState) -> dict[str, Any]:
    return dict(_AGREED if state is PlateState.NORMAL else _NOT_AGREED)
