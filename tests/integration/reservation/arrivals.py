"""Vehicles that drive through lanes, sensors that see them, and what the devices were told about it."""

from datetime import datetime
from itertools import count
from typing import Any

from contracts.facts import Facts, PassageSeen, SpaceSeen
from contracts.ids import CarParkId, SpaceNumber
from contracts.wire import SpaceStateWord
from gateway.give_order import give_order
from occupancy.record import Recorder
from occupancy.settings import OccupancySettings
from reservation import service as reservation
from reservation.stay_on import ArrivalSteps
from tests.integration.reservation.conftest import CAR, PARK, Site

_ids = count(1)


class Lanes:
    """Of the site's car park: everything goes the way that the gateway takes, but for MQTT."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._recorder = Recorder(OccupancySettings())
        self._on_passage = reservation.on_passages(give_order)
        self._steps = ArrivalSteps(site.database, give_order)

    async def drive(
        self, direction: str, vehicle: dict[str, str] | None = None, *, at: datetime | None = None, **changes: Any
    ) -> str:
        """One passage; its id."""
        seen = self.passage(direction, vehicle, at=at, **changes)
        await self.record(Facts(passages=[seen]))
        return seen.id

    def passage(
        self, direction: str, vehicle: dict[str, str] | None = None, *, at: datetime | None = None, **changes: Any
    ) -> PassageSeen:
        now, vehicle = self._site.clock.now(), CAR if vehicle is None else vehicle
        said: dict[str, Any] = {
            "car_park": CarParkId(PARK),
            "id": f"p-{next(_ids)}",
            "lane": "E1" if direction == "entry" else "X1",
            "direction": direction,
            "plate": vehicle.get("plate"),
            "color": vehicle.get("color"),
            "vehicle_class": None,
            "confidence": None,
            "image": None,
            "ticket": None,
            "at": at or now,
            "received_at": now,
        }
        return PassageSeen(**{**said, **changes})

    async def sense(self, *labels: str, state: SpaceStateWord = "occupied") -> None:
        now = self._site.clock.now()
        rows = await self._site.rows(
            "SELECT number FROM registry.space_directory WHERE car_park = $1 AND label = ANY ($2)", PARK, labels
        )
        spaces = [SpaceSeen(CarParkId(PARK), SpaceNumber(row["number"]), state, now, "", -1, None, now) for row in rows]
        await self.record(Facts(spaces=spaces))

    async def record(self, facts: Facts) -> None:
        async with self._site.database.transaction() as tx:
            recorded = await self._recorder.record_facts(tx, facts)
            if recorded.new_passages:
                await self._on_passage(tx, recorded.new_passages)

    async def tick(self) -> None:
        """One turn of the loop."""
        await self._steps.step()

    async def orders(self, *kinds: str) -> list[tuple[str, str | None]]:
        """What devices were told so far, in order: (kind, lane or space)."""
        rows = await self._site.rows(
            "SELECT kind, coalesce(lane, space) AS place FROM gateway.device_order "
            "WHERE cardinality($1::text[]) = 0 OR kind = ANY ($1) ORDER BY given_at, id",
            kinds,
        )
        return [(row["kind"], row["place"]) for row in rows]

    async def texts(self) -> list[str]:
        rows = await self._site.rows(
            "SELECT text FROM gateway.device_order WHERE text IS NOT NULL ORDER BY given_at, id"
        )
        return [row["text"] for row in rows]


async def events(site: Site, reservation_id: str) -> list[str]:
    """What happened to a promise, in order."""
    rows = await site.rows("SELECT kind FROM reservation.event WHERE reservation = $1 ORDER BY number", reservation_id)
    return [row["kind"] for row in rows]


async def state(site: Site, reservation_id: str) -> str:
    (row,) = await site.rows("SELECT state FROM reservation.reservation WHERE id = $1", reservation_id)
    return str(row["state"])
