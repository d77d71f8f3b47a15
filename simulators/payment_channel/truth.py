"""What a payment channel knows: orders, refunds, vehicles, entries. In memory; amounts are fen. No I/O, takes `now`.

Numbers are the merchant's and unique: the same number with the same content is the same order, with another content it
is refused.
"""

import itertools
from collections.abc import Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace


class NumberTaken(Exception):
    """Another order, refund or entry has this number."""


class NoSuchNumber(Exception):
    """Nothing has this number."""


class WrongMoment(Exception):
    """The order cannot do that as it stands."""


class Vehicle(Struct, frozen=True):
    """A plate and its colour, in our words."""

    plate: str
    color: str


class PlateState(StrEnum):
    """Whether a vehicle's fees are collected without asking."""

    NORMAL = "NORMAL"
    PAUSE = "PAUSE"
    OVERDUE = "OVERDUE"
    OUT_SERVICE = "OUT_SERVICE"


class OrderState(StrEnum):
    """What became of an order."""

    WAITING = "waiting"
    ACCEPTED = "accepted"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CLOSED = "closed"


class RefundState(StrEnum):
    """What became of a refund."""

    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Order(Struct, frozen=True, kw_only=True):
    """A payment that was asked for. `told`: the request as it came, from which answers are made."""

    number: str
    transaction: str
    way: Literal["later", "now"]
    amount: int
    told: Mapping[str, Any]
    notify_url: str
    created_at: datetime
    state: OrderState
    plate: Vehicle | None = None
    expires_at: datetime | None = None
    succeeded_at: datetime | None = None
    is_advanced: bool = False
    is_repaid: bool = False
    refunded: int = 0
    error: str | None = None


class Refund(Struct, frozen=True, kw_only=True):
    """Money that was asked back."""

    number: str
    transaction: str
    order: str
    amount: int
    told: Mapping[str, Any]
    notify_url: str | None
    created_at: datetime
    state: RefundState = RefundState.PROCESSING
    succeeded_at: datetime | None = None


class Entry(Struct, frozen=True, kw_only=True):
    """A vehicle that was announced at an entrance."""

    number: str
    id: str
    plate: Vehicle
    told: Mapping[str, Any]
    notify_url: str | None


class Truth:
    """Everything one channel knows. `prefix` begins its own numbers."""

    def __init__(self, prefix: str) -> None:
        self.orders: dict[str, Order] = {}
        self.refunds: dict[str, Refund] = {}
        self.entries: dict[str, Entry] = {}
        self.plates: dict[Vehicle, PlateState] = {}
        self._entry_numbers: dict[str, str] = {}
        self._prefix = prefix
        self._numbers = itertools.count(1)

    def next_id(self, now: datetime) -> str:
        """A number of the channel's own, 28 digits like a real one."""
        return f"{self._prefix}{now:%Y%m%d}{next(self._numbers):0{20 - len(self._prefix)}}"

    def order(self, number: str) -> Order:
        """Raises NoSuchNumber."""
        if number not in self.orders:
            raise NoSuchNumber(number)
        return self.orders[number]

    def place(self, order: Order) -> tuple[Order, bool]:
        """The order that has this number from now on, and whether it is new; one that failed is tried again. Raises
        NumberTaken.
        """
        held = self.orders.get(order.number)
        if held is not None:
            if held.told != order.told or held.way != order.way:
                raise NumberTaken(order.number)
            if held.state is not OrderState.FAILED:
                return held, False
        self.orders[order.number] = order
        return order, True

    def succeed(self, number: str, now: datetime, *, is_advanced: bool = False) -> Order:
        """It is paid. Raises NoSuchNumber, WrongMoment."""
        return self._move(number, OrderState.SUCCEEDED, succeeded_at=now, is_advanced=is_advanced, error=None)

    def fail(self, number: str, error: str) -> Order:
        """It could not be collected. Raises NoSuchNumber, WrongMoment."""
        return self._move(number, OrderState.FAILED, error=error)

    def close(self, number: str) -> Order:
        """Nobody may pay it any more. Raises NoSuchNumber, WrongMoment when somebody has."""
        if self.order(number).state is OrderState.CLOSED:
            return self.orders[number]
        return self._move(number, OrderState.CLOSED)

    def repay(self, number: str) -> Order:
        """The driver paid back what the channel had paid for him. Raises NoSuchNumber, WrongMoment."""
        order = self.order(number)
        if not order.is_advanced or order.is_repaid:
            raise WrongMoment(number)
        self.orders[number] = replace(order, is_repaid=True)
        return self.orders[number]

    def refund(self, refund: Refund) -> tuple[Refund, bool]:
        """Taken, and whether it is new; one that failed is tried again. Raises NoSuchNumber, NumberTaken, WrongMoment
        when it is more than what is left of the order.
        """
        held = self.refunds.get(refund.number)
        if held is not None:
            if held.order != refund.order or held.amount != refund.amount:
                raise NumberTaken(refund.number)
            if held.state is not RefundState.FAILED:
                return held, False
        order = self.order(refund.order)
        if order.state is not OrderState.SUCCEEDED or order.refunded + refund.amount > order.amount:
            raise WrongMoment(refund.number)
        self.orders[order.number] = replace(order, refunded=order.refunded + refund.amount)
        self.refunds[refund.number] = refund
        return refund, True

    def end_refund(self, number: str, now: datetime, *, fails: bool) -> Refund:
        """The money went back, or stays here. Raises NoSuchNumber, WrongMoment."""
        refund = self.refund_of(number)
        if refund.state is not RefundState.PROCESSING:
            raise WrongMoment(number)
        if fails:
            order = self.orders[refund.order]
            self.orders[order.number] = replace(order, refunded=order.refunded - refund.amount)
            self.refunds[number] = replace(refund, state=RefundState.FAILED)
        else:
            self.refunds[number] = replace(refund, state=RefundState.SUCCEEDED, succeeded_at=now)
        return self.refunds[number]

    def refund_of(self, number: str) -> Refund:
        """Raises NoSuchNumber."""
        if number not in self.refunds:
            raise NoSuchNumber(number)
        return self.refunds[number]

    def enter(self, entry: Entry) -> Entry:
        """The entry of this number. Raises NumberTaken."""
        held = self.entries.setdefault(entry.number, entry)
        if held.told != entry.told:
            raise NumberTaken(entry.number)
        self._entry_numbers[held.id] = held.number
        return held

    def entry_of(self, id_: str) -> Entry | None:
        """The entry that the channel gave this id."""
        number = self._entry_numbers.get(id_)
        return None if number is None else self.entries[number]

    def number_of(self, transaction: str) -> str:
        """Of the order with the channel's own number. Raises NoSuchNumber."""
        for order in self.orders.values():
            if order.transaction == transaction:
                return order.number
        raise NoSuchNumber(transaction)

    def expired(self, now: datetime) -> Iterator[Order]:
        """Those that nobody paid in time."""
        for order in list(self.orders.values()):
            if order.state is OrderState.WAITING and order.expires_at is not None and order.expires_at <= now:
                yield order

    def _move(self, number: str, state: OrderState, **changed: Any) -> Order:
        order = self.order(number)
        if order.state not in (OrderState.WAITING, OrderState.ACCEPTED):
            raise WrongMoment(number)
        self.orders[number] = replace(order, state=state, **changed)
        return self.orders[number]
