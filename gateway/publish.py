"""Availabilities onto their public topics, retained: after every commit, and again by whoever looks for lost ones."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

from contracts.availability import Availability
from contracts.ids import CarParkId
from contracts.wire import public_topic
from kernel.answers import dump


class Latest(Protocol):
    """The link, as far as it is needed here."""

    def publish_latest(self, topic: str, make: Callable[[], bytes]) -> None: ...


class Publisher:
    """Never puts an older version over a newer one: two transactions may end in another order than they began."""

    def __init__(self, link: Latest) -> None:
        self._link = link
        self._versions: dict[CarParkId, int] = {}

    def publish(self, availabilities: Sequence[Availability]) -> None:
        """Soon, and only the newest of each car park; never waits. Bytes are made when they are sent."""
        for availability in availabilities:
            car_park = CarParkId(availability.car_park)
            if availability.version >= self._versions.get(car_park, 0):
                self._versions[car_park] = availability.version
                self._link.publish_latest(public_topic(car_park), partial(dump, availability))
