"""Orders that car parks heard, and their answers on the way, with what goes wrong in between. Does not speak itself."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from contracts.wire import AckMessage, OrderMessage
from simulators.car_park import CarPark, Message
from simulators.faults import FaultPlan
from simulators.order_faults import FaultyAnswers, OrderFault, answered_at


class _Answer(Struct, frozen=True):
    """An answer on its way: from the car park `number`, not before `due`."""

    due: datetime
    number: int
    ack: AckMessage


class Obedience:
    """All car parks' devices; a car park is known by its number. `heard` is set while an order waits."""

    def __init__(self, car_parks: Sequence[CarPark], faults: FaultPlan) -> None:
        self._car_parks = car_parks
        self._luck = [FaultyAnswers(faults, each.id) for each in car_parks]
        self._waiting: list[tuple[int, OrderMessage]] = []
        self._answers: list[_Answer] = []
        self.heard = asyncio.Event()
        self.done = 0

    def hear(self, number: int, order: OrderMessage) -> None:
        """Take note."""
        self._waiting.append((number, order))
        self.heard.set()

    def obey(self, now: datetime) -> list[int]:
        """Do what waits; which car parks are to show everything before they answer."""
        self.heard.clear()
        orders, self._waiting = self._waiting, []
        return [number for number, order in orders if self._obey(number, order, now)]

    def answers(self, now: datetime) -> list[tuple[int, Message]]:
        """What is due to be said, by the car park that says it."""
        due = [answer for answer in self._answers if answer.due <= now]
        self._answers = [answer for answer in self._answers if answer.due > now]
        return [(answer.number, self._car_parks[answer.number].answer(answer.ack)) for answer in due]

    def _obey(self, number: int, order: OrderMessage, now: datetime) -> bool:
        fault = self._luck[number].draw()
        if fault is OrderFault.DEAF:
            return False
        equipment = self._car_parks[number].equipment
        shown = equipment.snapshots
        ack = equipment.obey(order, now, jams=fault is OrderFault.JAMMED)
        by = (number + 1) % len(self._car_parks) if fault is OrderFault.ANSWERED_BY_ANOTHER else number
        self._answers += [_Answer(due, by, ack) for due in answered_at(fault, order, now)]
        self.done += ack.ok
        return equipment.snapshots > shown
