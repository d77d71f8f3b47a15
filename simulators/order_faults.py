"""What goes wrong between an order and its answer, by the rates and the seed of a plan. Pure."""

import random
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from contracts.wire import OrderMessage
from simulators.faults import FaultPlan

LATE_BY: Final = timedelta(seconds=1)


class OrderFault(StrEnum):
    """What happens to one order."""

    NONE = "none"
    DEAF = "deaf"
    """The car park is not there: nothing moves and nobody answers."""
    JAMMED = "jammed"
    ANSWERED_TWICE = "answered_twice"
    ANSWERED_LATE = "answered_late"
    """It is obeyed in time, and the answer is held up until after the deadline."""
    ANSWERED_BY_ANOTHER = "answered_by_another"
    """The answer comes on another car park's topic."""


class FaultyAnswers:
    """One car park's luck with orders."""

    def __init__(self, plan: FaultPlan, car_park: str) -> None:
        self._rates = {
            OrderFault.DEAF: plan.order_deaf,
            OrderFault.JAMMED: plan.order_jammed,
            OrderFault.ANSWERED_TWICE: plan.order_answered_twice,
            OrderFault.ANSWERED_LATE: plan.order_answered_late,
            OrderFault.ANSWERED_BY_ANOTHER: plan.order_answered_by_another,
        }
        self._random = random.Random(f"{plan.seed} {car_park} orders")  # noqa: S311 - a seeded play

    def draw(self) -> OrderFault:
        """What happens to the next order."""
        drawn = self._random.random()
        for fault, rate in self._rates.items():
            if drawn < rate:
                return fault
            drawn -= rate
        return OrderFault.NONE


def answered_at(fault: OrderFault, order: OrderMessage, now: datetime) -> list[datetime]:
    """When the answer is sent, each time."""
    match fault:
        case OrderFault.ANSWERED_TWICE:
            return [now, now]
        case OrderFault.ANSWERED_LATE:
            return [order.expires_at + LATE_BY]
        case _:
            return [now]
