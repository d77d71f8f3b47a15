"""`GET /v1/city`: the whole city in a few numbers, for a page's head and a wall."""

from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from kernel.http import operation
from occupancy.board import Board
from occupancy.card import Entry, Name

TOP = 10
OVERFULL_MAX = 2
"""A car park adds at most so many times its capacity to the cars of the city: a mad counter spoils its own number only.
"""


@dataclass(frozen=True, slots=True)
class City:
    """What the city is called, and on which clock it lives (an IANA name)."""

    name: Name
    time_zone: str


class Figures(BaseModel):
    """Sums over the `live` car parks; `index` is the occupied share of their known spaces, null where there are none.

    A space that nobody has heard of is in `capacity`, and neither in `free` nor in the index.
    `car_parks` = `live` + `stale` + `unknown` (heard of, but not of enough of their spaces) + `never_heard`.
    """

    model_config = ConfigDict(frozen=True)

    car_parks: int
    live: int
    stale: int
    unknown: int = Field(description="Heard of, but not of enough of their spaces to count on.")
    never_heard: int
    capacity: int
    occupied: int
    free: int
    index: float | None = Field(ge=0, description="Occupied over known capacity; above 1 when overfull.")


class DistrictFigures(Figures):
    """One district; `district` is null for car parks in none."""

    district: str | None


class Busy(BaseModel):
    """A car park among the fullest."""

    model_config = ConfigDict(frozen=True)

    car_park: str
    name_zh: str
    name_en: str
    index: float
    free: int


class CityView(Figures):
    """The city, its districts by id, and its fullest car parks. `time_zone` is an IANA name."""

    name: Name
    time_zone: str
    districts: list[DistrictFigures]
    fullest: list[Busy]


class CityApi:
    """Adds up the board."""

    def __init__(self, board: Board, city: City) -> None:
        self._board = board
        self._city = city

    @operation(get="/v1/city", summary="The city in numbers", tags=("car parks",), responses={200: CityView})
    async def city(self) -> CityView:
        """Live car parks only are added up: what is stale or unknown is counted apart and is never a nought."""
        await self._board.catch_up()
        entries = list(self._board.entries.values())
        by_district: dict[str | None, list[Entry]] = {}
        for entry in entries:
            by_district.setdefault(entry.district, []).append(entry)
        districts = sorted(by_district.items(), key=lambda item: (item[0] is None, item[0] or ""))
        return CityView(
            name=self._city.name,
            time_zone=self._city.time_zone,
            **_figures(entries),
            districts=[DistrictFigures(district=district, **_figures(those)) for district, those in districts],
            fullest=_fullest(entries),
        )


def _figures(entries: Iterable[Entry]) -> dict[str, int | float | None]:
    car_parks = live = stale = unknown = never = capacity = known = occupied = free = 0
    for entry in entries:
        availability = entry.availability
        car_parks += 1
        if availability.occupied is None:
            never += 1
        elif availability.stale:
            stale += 1
        elif not entry.is_known:
            unknown += 1
        else:
            live += 1
            capacity += availability.capacity
            known += availability.capacity - availability.never_heard
            occupied += min(availability.occupied, OVERFULL_MAX * availability.capacity)
            free += entry.countable_free or 0
    return {
        "car_parks": car_parks,
        "live": live,
        "stale": stale,
        "unknown": unknown,
        "never_heard": never,
        "capacity": capacity,
        "occupied": occupied,
        "free": free,
        "index": round(occupied / known, 4) if known > 0 else None,
    }


def _fullest(entries: Iterable[Entry]) -> list[Busy]:
    """The `TOP` of those that are live and open: what is unknown, stale or closed is nobody's reason to turn away."""
    live = [
        (index, entry)
        for entry in entries
        if entry.countable_free is not None and (index := entry.fullness) is not None
    ]
    live.sort(key=lambda one: (-one[0], one[1].id))
    return [
        Busy(
            car_park=entry.id,
            name_zh=entry.name_zh,
            name_en=entry.name_en,
            index=round(index, 4),
            free=entry.countable_free or 0,
        )
        for index, entry in live[:TOP]
    ]
