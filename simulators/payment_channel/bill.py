"""A day's bill: what a channel says it settled, with differences that a seed put in and that can be asked for."""

from datetime import date, datetime, tzinfo
from enum import StrEnum
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from simulators.payment_channel.mischief import Dice
from simulators.payment_channel.truth import Truth

FEE_BP: Final = 60
"""0.6 %, the usual rate of both channels."""


class DifferenceKind(StrEnum):
    """What is wrong with a bill, seen from the merchant."""

    MISSING_THERE = "missing_there"
    MISSING_HERE = "missing_here"
    OTHER_AMOUNT = "other_amount"
    DOUBLED = "doubled"
    REFUND_UNKNOWN = "refund_unknown"


class Line(Struct, frozen=True, kw_only=True):
    """A payment, or a refund (`refund` is its number), in fen. `fee` is taken from the merchant; given back < 0."""

    number: str
    transaction: str
    amount: int
    fee: int
    at: datetime
    is_advanced: bool = False
    is_later: bool = False
    order_amount: int = 0
    refund: str | None = None
    refund_transaction: str | None = None


class Difference(Struct, frozen=True, kw_only=True):
    """One that was put in. `truly` is the amount as the channel knows it, `billed` as the bill says it; None: not."""

    kind: DifferenceKind
    number: str
    refund: str | None
    truly: int | None
    billed: int | None


class Bill(Struct, frozen=True):
    """What is downloaded, and what is wrong with it."""

    day: date
    lines: list[Line]
    seeded: list[Difference]


def fee_of(amount: int) -> int:
    """Half a fen up."""
    return (amount * FEE_BP + 5_000) // 10_000


class Bills:
    """One channel's. A bill is made when it is first asked for, and stays."""

    def __init__(self, truth: Truth, dice: Dice, zone: tzinfo) -> None:
        self._truth, self.dice, self._zone = truth, dice, zone
        self._made: dict[date, Bill] = {}

    def is_closed(self, day: date, now: datetime, hour: int) -> bool:
        """Whether the bill of `day` is made up: after `hour` of the next."""
        local = now.astimezone(self._zone)
        return (local.date() - day).days > 1 or ((local.date() - day).days == 1 and local.hour >= hour)

    def of(self, day: date) -> Bill:
        """The bill of `day`."""
        if day not in self._made:
            self._made[day] = self._make(day)
        return self._made[day]

    def _make(self, day: date) -> Bill:
        lines, seeded = list[Line](), list[Difference]()
        for line in self._true_lines(day):
            self._put(line, lines, seeded)
        return Bill(day, lines, seeded)

    def _put(self, line: Line, lines: list[Line], seeded: list[Difference]) -> None:
        """At most one difference a line."""
        if self.dice.throw("missing_there"):
            seeded.append(_difference(DifferenceKind.MISSING_THERE, line, line.amount, None))
            return
        if self.dice.throw("other_amount"):
            other = replace(line, amount=line.amount + 100, fee=_with_sign(line, line.amount + 100))
            seeded.append(_difference(DifferenceKind.OTHER_AMOUNT, line, line.amount, other.amount))
            lines.append(other)
            return
        lines.append(line)
        if self.dice.throw("doubled"):
            lines.append(line)
            seeded.append(_difference(DifferenceKind.DOUBLED, line, line.amount, 2 * line.amount))
            return
        name = self._truth.next_id(line.at)
        if self.dice.throw("missing_here"):
            made_up = replace(line, number=f"X{name}", transaction=name, refund=None, fee=fee_of(line.amount))
            lines.append(made_up)
            seeded.append(_difference(DifferenceKind.MISSING_HERE, made_up, None, made_up.amount))
            return
        if line.refund is None and self.dice.throw("refund_unknown"):
            back = replace(line, refund=f"R{name}", refund_transaction=name, fee=-line.fee, order_amount=line.amount)
            lines.append(back)
            seeded.append(_difference(DifferenceKind.REFUND_UNKNOWN, back, None, back.amount))

    def _true_lines(self, day: date) -> list[Line]:
        found = [
            Line(
                number=order.number,
                transaction=order.transaction,
                amount=order.amount,
                fee=fee_of(order.amount),
                at=order.succeeded_at,
                is_advanced=order.is_advanced,
                is_later=order.way == "later",
                order_amount=order.amount,
            )
            for order in self._truth.orders.values()
            if order.succeeded_at is not None and self._day(order.succeeded_at) == day
        ]
        for refund in self._truth.refunds.values():
            if refund.succeeded_at is not None and self._day(refund.succeeded_at) == day:
                order = self._truth.orders[refund.order]
                found.append(
                    Line(
                        number=order.number,
                        transaction=order.transaction,
                        amount=refund.amount,
                        fee=-fee_of(refund.amount),
                        at=refund.succeeded_at,
                        is_later=order.way == "later",
                        order_amount=order.amount,
                        refund=refund.number,
                        refund_transaction=refund.transaction,
                    )
                )
        return sorted(found, key=lambda line: line.at)

    def _day(self, at: datetime) -> date:
        return at.astimezone(self._zone).date()


def yuan(fen: int) -> str:
    """With two decimals."""
    sign, whole = ("-", -fen) if fen < 0 else ("", fen)
    return f"{sign}{whole // 100}.{whole % 100:02}"


def _with_sign(line: Line, amount: int) -> int:
    return fee_of(amount) if line.refund is None else -fee_of(amount)


def _difference(kind: DifferenceKind, line: Line, truly: int | None, billed: int | None) -> Difference:
    return Difference(kind=kind, number=line.number, refund=line.refund, truly=truly, billed=billed)
