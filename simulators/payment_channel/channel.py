"""What both channels do with what they were asked: collect a while later, tell, pay back, give back, expire."""

from datetime import timedelta

from simulators.clock import Clock
from simulators.payment_channel.agenda import Agenda
from simulators.payment_channel.mischief import Dice
from simulators.payment_channel.notices import Kind, Notice, Teller
from simulators.payment_channel.truth import (
    Entry,
    Order,
    OrderState,
    PlateState,
    Refund,
    Truth,
    Vehicle,
    WrongMoment,
)

_STATE_OF_FAULT = {
    "overdue": PlateState.OVERDUE,
    "paused": PlateState.PAUSE,
    "out_of_service": PlateState.OUT_SERVICE,
}


class Channel:
    """One channel's doings. Requests come through its HTTP side, which words the answers."""

    def __init__(self, truth: Truth, dice: Dice, agenda: Agenda, clock: Clock, teller: Teller) -> None:
        self.truth, self.dice, self.clock, self.teller = truth, dice, clock, teller
        self._agenda = agenda
        self._pending: dict[str, bool] = {}

    def plate_state(self, plate: Vehicle) -> PlateState:
        """Of a vehicle; the dice fall when it is named for the first time."""
        if plate not in self.truth.plates:
            wrong = self.dice.plate()
            self.truth.plates[plate] = PlateState.NORMAL if wrong is None else _STATE_OF_FAULT[wrong]
        return self.truth.plates[plate]

    def set_plate(self, plate: Vehicle, state: PlateState) -> None:
        """From now on; whoever has announced the vehicle hears of it."""
        before = self.plate_state(plate)
        self.truth.plates[plate] = state
        if before is state:
            return
        for entry in self.truth.entries.values():
            if entry.plate == plate and entry.notify_url is not None:
                self._tell(Kind.PLATE, entry, entry.notify_url, plate_state=state)

    def place(self, order: Order) -> Order:
        """The order of this number; a new one is collected a while later. Raises NumberTaken."""
        placed, is_new = self.truth.place(order)
        if is_new and placed.state is OrderState.ACCEPTED:
            due = self.clock.now() + timedelta(seconds=self.dice.mischief.collects_after_s)
            self._agenda.add(due, lambda: self._collect(placed.number))
        if is_new and placed.expires_at is not None:
            self._agenda.add(placed.expires_at, self._expire)
        return placed

    def is_pending(self, order: Order) -> bool:
        """Whether an accepted order is collected only later, by the dice; of one that is known, whether it waits."""
        if order.number not in self._pending:
            self._pending[order.number] = self.dice.throw("pending")
        return self._pending[order.number] and self.truth.order(order.number).state is OrderState.ACCEPTED

    def collect_at_once(self, number: str) -> Order:
        """What would be done a while later."""
        self._collected(number)
        return self.truth.order(number)

    def pay(self, number: str) -> Order:
        """The driver pays an order that waits for him. Raises NoSuchNumber, WrongMoment."""
        if self.truth.order(number).state is not OrderState.WAITING:
            raise WrongMoment(number)
        return self._succeed(number, is_advanced=False)

    def repay(self, number: str) -> Order:
        """The driver pays back what the channel had paid for him. Raises NoSuchNumber, WrongMoment."""
        order = self.truth.repay(number)
        self._tell(Kind.REPAID, order, order.notify_url)
        return order

    def refund(self, refund: Refund) -> Refund:
        """The refund of this number; a new one ends a while later. Raises NoSuchNumber, NumberTaken, WrongMoment."""
        taken, is_new = self.truth.refund(refund)
        if is_new:
            due = self.clock.now() + timedelta(seconds=self.dice.mischief.refunds_after_s)
            self._agenda.add(due, lambda: self._end_refund(taken.number))
        return taken

    def refund_at_once(self, refund: Refund) -> Refund:
        """The same, done before it is answered, as Alipay does. Raises NoSuchNumber, NumberTaken, WrongMoment."""
        taken, is_new = self.truth.refund(refund)
        return self._ended(taken.number) if is_new else taken

    async def _collect(self, number: str) -> None:
        self._collected(number)

    def _collected(self, number: str) -> None:
        if self.truth.order(number).state is not OrderState.ACCEPTED:
            return
        if self.dice.throw("fails"):
            order = self.truth.fail(number, "BANK_ERROR")
            self._tell(Kind.FAILED, order, order.notify_url)
            return
        order = self._succeed(number, is_advanced=self.dice.throw("advanced"))
        if order.is_advanced:
            due = self.clock.now() + timedelta(seconds=self.dice.mischief.repaid_after_s)
            self._agenda.add(due, lambda: self._repay(number))

    async def _repay(self, number: str) -> None:
        if not self.truth.order(number).is_repaid:
            self.repay(number)

    async def _end_refund(self, number: str) -> None:
        self._ended(number)

    async def _expire(self) -> None:
        for order in self.truth.expired(self.clock.now()):
            self.truth.close(order.number)

    def _succeed(self, number: str, *, is_advanced: bool) -> Order:
        order = self.truth.succeed(number, self.clock.now(), is_advanced=is_advanced)
        self._tell(Kind.PAID, order, order.notify_url)
        return order

    def _ended(self, number: str) -> Refund:
        refund = self.truth.end_refund(number, self.clock.now(), fails=self.dice.throw("refund_fails"))
        if refund.notify_url is not None:
            kind = Kind.REFUND_FAILED if refund.succeeded_at is None else Kind.REFUNDED
            self._tell(kind, refund, refund.notify_url, order=self.truth.orders[refund.order])
        return refund

    def _tell(
        self,
        kind: Kind,
        about: Order | Refund | Entry,
        url: str,
        *,
        order: Order | None = None,
        plate_state: PlateState | None = None,
    ) -> None:
        now = self.clock.now()
        self.teller.tell(
            Notice(
                id=self.teller.new_id(now),
                kind=kind,
                at=now,
                about=about,
                url=url,
                order=order,
                plate_state=plate_state,
            )
        )
