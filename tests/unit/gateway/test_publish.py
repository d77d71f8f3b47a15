"""An older availability is never put over a newer one, and nothing stays of a car park that is gone."""

from collections.abc import Callable

import orjson

from contracts.availability import Availability, CarParkState
from contracts.ids import CarParkId
from gateway.publish import Publisher


class Board:
    """What lies on each topic."""

    def __init__(self) -> None:
        self.on: dict[str, Callable[[], bytes]] = {}
        self.connects = 1
        self.writes = 0

    def publish_latest(self, topic: str, make: Callable[[], bytes]) -> None:
        self.on[topic] = make
        self.writes += 1

    @property
    def here(self) -> bytes:
        """What lies on the topic of the one car park."""
        return self.on["parking/v1/public/mall-1"]()


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
    assert orjson.loads(board.here)["version"] == 3
    publisher.publish([told(4)])
    assert orjson.loads(board.here)["version"] == 4


def test_what_is_gone_is_taken_away_once() -> None:
    board = Board()
    publisher = Publisher(board)
    publisher.publish([told(1)])
    publisher.withdraw([CarParkId("mall-1")])
    assert board.here == b""
    publisher.withdraw([CarParkId("mall-1")])
    assert board.writes == 2


def test_a_word_that_comes_late_goes_as_well_and_who_is_back_stays() -> None:
    board = Board()
    publisher = Publisher(board)
    publisher.withdraw([CarParkId("mall-1")])
    publisher.publish([told(2)])
    publisher.withdraw([CarParkId("mall-1")])
    assert board.here == b""
    publisher.publish([told(2)])
    publisher.withdraw([])
    assert orjson.loads(board.here)["version"] == 2


def test_a_broker_that_came_back_is_told_again_what_to_forget() -> None:
    board = Board()
    publisher = Publisher(board)
    publisher.withdraw([CarParkId("mall-1")])
    board.connects += 1
    publisher.withdraw([CarParkId("mall-1")])
    assert board.writes == 2
