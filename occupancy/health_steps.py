"""The worker's loops over health: look, rate, count devices, forget."""

from kernel.db import Database
from kernel.service import Loop
from occupancy.health_meters import HealthMeters
from occupancy.rate_quality import rate_quality
from occupancy.settings import OccupancySettings
from occupancy.sql.devices import Judging, count_sources
from occupancy.watch_health import forget_health, watch_health

DEVICES_S = 300.0
"""A read of the whole city, for two gauges."""
FORGET_S = 3600.0


class HealthSteps:
    """A look and its scores are two transactions: the look holds a lock, the scores are read page by page."""

    def __init__(self, database: Database, settings: OccupancySettings, meters: HealthMeters) -> None:
        self._database = database
        self._settings = settings
        self._meters = meters

    def loops(self) -> list[Loop]:
        return [
            Loop("occupancy health", self.look, self._settings.health_s),
            Loop("occupancy devices counted", self.count_devices, DEVICES_S),
            Loop("occupancy health forgotten", self.forget, FORGET_S),
        ]

    async def look(self) -> None:
        """One look at everybody, and the scores that follow from it."""
        async with self._database.transaction() as tx:
            await watch_health(tx, self._settings)
        given = await rate_quality(self._database, self._settings)
        self._meters.show_scores(quality.score for quality in given.values())

    async def count_devices(self) -> None:
        """How many are silent or low on battery."""
        async with self._database.transaction(readonly=True) as tx:
            counts = await count_sources(tx, None, None, judging_of(self._settings))
        if counts is not None:
            self._meters.show_devices(silent=counts["silent"], low=counts["low"])

    async def forget(self) -> None:
        """What is too old, or of nobody."""
        async with self._database.transaction() as tx:
            await forget_health(tx, self._settings)


def judging_of(settings: OccupancySettings) -> Judging:
    """When a device is silent, by the settings."""
    return Judging(settings.heartbeats_missed, settings.space_stale_after_s, settings.stale_after_s)
