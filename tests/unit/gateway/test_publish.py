"""An older availability is never put over a newer one."""

from collections.abc import Callable

import orjson

from contracts.availability import Availability, CarParkState
from gateway.publish import Publisher


class Board:
    """What lies on each topic."""

    def __init__(self) -> None:
        self.on: dict[str, Callable[[], bytes]] = {}

    def publish_latest(self, topic: str, make: Callable[[], bytes]) -> None:
        self.on[topic] = make


def told(version: int) -> Availability:
    return Availability(
        car_park="mall-1",
        state=CarParkState.OPEN,
        capacity=9,
        occupied=version,
        promised=0,
        free=9 - version,
        as_of=None,
        age_s=None,
        stale=False,
        source="spaces",
        trend=None,
        version=version,
    )


def test_versions_only_grow() -> None:
    board = Board()
    publisher = Publisher(board)
    publisher.publish([told(1), told(3)])
    publisher.publish([told(2)])
    assert orjson.loads(board.on["parking/v1/public/mall-1"]())["version"] == 3
    publisher.publish([told(4)])
    assert orjson.loads(board.on["parking/v1/public/mall-1"]())["version"] == 4
