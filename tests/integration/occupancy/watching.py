"""The worker's loops over health, turned by hand, and data to look at."""

from collections.abc import Sequence
from typing import Any

from prometheus_client import CollectorRegistry

from contracts.facts import Facts
from contracts.ids import CarParkId, SpaceNumber
from gateway.sql.tallies import add_tallies
from kernel.clock import ManualClock
from kernel.db import Database
from occupancy.health_meters import HealthMeters
from occupancy.health_steps import HealthSteps
from occupancy.settings import OccupancySettings
from tests.integration.occupancy.city import HERE, add_car_park, space_seen
from tests.integration.occupancy.conftest import Record

OTHER = CarParkId("sy-tiexi-002")


class Watch:
    """The worker's loops, turned by hand; what is seen and given."""

    def __init__(self, database: Database, settings: OccupancySettings, clock: ManualClock) -> None:
        self.registry = CollectorRegistry()
        self.steps = HealthSteps(database, settings, HealthMeters(self.registry))
        self.database, self.clock = database, clock

    async def look(self, looks: int = 1, *, every_s: float = 60) -> None:
        for _ in range(looks):
            self.clock.advance(every_s)
            await self.steps.look()

    async def hour(self, car_park: CarParkId = HERE) -> dict[str, Any]:
        """The sums of all hours kept."""
        async with self.database.transaction(readonly=True) as tx:
            rows = await tx.fetch("SELECT * FROM occupancy.health_hour WHERE car_park = $1", car_park)
        sums: dict[str, Any] = {}
        for row in rows:
            for name, value in dict(row).items():
                if isinstance(value, int):
                    sums[name] = sums.get(name, 0) + value
        return sums

    async def score(self, car_park: CarParkId = HERE) -> int | None:
        async with self.database.transaction(readonly=True) as tx:
            score: int | None = await tx.fetchval(
                "SELECT score FROM occupancy.quality_now WHERE car_park = $1", car_park
            )
        return score

    async def codes(self, car_park: CarParkId = HERE) -> list[str]:
        async with self.database.transaction(readonly=True) as tx:
            reasons = await tx.fetchval("SELECT reasons FROM occupancy.quality_now WHERE car_park = $1", car_park)
        return [reason["code"] for reason in reasons]

    async def booked(self, car_park: CarParkId = HERE, *, stored: int = 0, duplicate: int = 0, late: int = 0,
                     dead: int = 0) -> None:  # fmt: skip
        async with self.database.transaction() as tx:
            await add_tallies(tx, [(car_park, stored, duplicate, late, dead)])


def seen_by(spaces: Sequence[SpaceNumber], seconds: float, **more: Any) -> Facts:
    return Facts(spaces=[space_seen(space, "free", seconds, **more) for space in spaces])


async def poor_and_good(database: Database, record: Record, watch: Watch) -> list[SpaceNumber]:
    """HERE with a tenth of its words refused, OTHER clean."""
    spaces = await add_car_park(database, capacity=2, spaces=2)
    others = await add_car_park(database, OTHER, capacity=1, spaces=1)
    await record(seen_by(spaces, 0))
    await record(Facts(spaces=[space_seen(others[0], "free", car_park=OTHER)]))
    await watch.booked(stored=90, dead=10)
    await watch.booked(OTHER, stored=9)
    await watch.look()
    return spaces
