"""Availabilities onto their public topics, retained: after every commit, and again by whoever looks for lost ones.

A car park that is gone leaves nothing behind: an empty retained message takes its last word away. Whoever looks for
lost ones says again and again who is gone, so a word that a transaction under way put there late goes as well.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Protocol

from contracts.availability import Availability
from contracts.ids import CarParkId
from contracts.wire import public_topic
from kernel.answers import dump


class Latest(Protocol):
    """The link, as far as it is needed here."""

    connects: int

    def publish_latest(self, topic: str, make: Callable[[], bytes]) -> None: ...


class Publisher:
    """Never puts an older version over a newer one: two transactions may end in another order than they began."""

    def __init__(self, link: Latest) -> None:
        self._link = link
        self._versions: dict[CarParkId, int] = {}
        self._withdrawn: set[CarParkId] = set()
        self._withdrawn_on = 0

    def publish(self, availabilities: Sequence[Availability]) -> None:
        """Soon, and only the newest of each car park; never waits. Bytes are made when they are sent."""
        for availability in availabilities:
            car_park = CarParkId(availability.car_park)
            if availability.version >= self._versions.get(car_park, 0):
                self._versions[car_park] = availability.version
                self._withdrawn.discard(car_park)
                self._link.publish_latest(public_topic(car_park), partial(dump, availability))

    def withdraw(self, car_parks: Iterable[CarParkId]) -> None:
        """Clear the topics of `car_parks`, which are gone; once each on a connection, and after every late word."""
        if self._withdrawn_on != self._link.connects:
            self._withdrawn_on = self._link.connects
            self._withdrawn.clear()  # a broker that came back may have forgotten that it was to forget
        for car_park in car_parks:
            if car_park not in self._withdrawn:
                self._withdrawn.add(car_park)
                self._link.publish_latest(public_topic(car_park), bytes)
