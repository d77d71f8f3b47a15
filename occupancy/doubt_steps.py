"""The loops beside MQTT that put silent spaces in doubt and end the doubt about those that flapped."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from contracts.availability import Availability
from contracts.ids import CarParkId
from kernel.db import Database
from kernel.parts import in_parts
from occupancy.record import CAR_PARKS_AT_ONCE, Recorder
from occupancy.settle import settle_flapping
from occupancy.silence import find_silent, mark_silent
from occupancy.sql import doubts as sql
from occupancy.sql import resync as resync_sql

LOOKS_A_HEARTBEAT = 10
LOOK_AGAIN_MAX = timedelta(seconds=600)
"""A car park whose sensors speak every ten minutes is looked at once a minute; one with shorter ones, more often."""
DEAF_AFTER_TURNS = 3
"""So many turns missed (the database was away, the process stood still): what was said meanwhile is still to come."""

Tell = Callable[[Sequence[Availability]], None]


class Ear(Protocol):
    """The connection to the broker, as far as we hear by it."""

    @property
    def connection(self) -> int:
        """Grows with every connection."""

    @property
    def hears(self) -> bool:
        """Whether what devices say is heard and stored at the moment."""

    def mine(self, operator: str) -> bool:
        """Whether this process hears the devices of `operator`."""


class DoubtSteps:
    """Remembers since when we listen, and when which car park is to be looked at again."""

    def __init__(self, database: Database, recorder: Recorder, ear: Ear, tell: Tell) -> None:
        self._database = database
        self._recorder = recorder
        self._ear = ear
        self._tell = tell
        self._connection = -1
        self._listening_since: datetime | None = None
        self._last_turn: datetime | None = None
        self._look_at: dict[CarParkId, datetime] = {}

    async def settle(self) -> None:
        """Believe sensors again that flapped and have been quiet for long enough."""
        settings = self._recorder.settings
        async with self._database.transaction(readonly=True) as tx:
            quiet_since = tx.now - timedelta(seconds=settings.flapping_stable_s)
            mine = [operator for operator in await resync_sql.operators(tx) if self._ear.mine(operator)]
            found = await sql.car_parks_gone_quiet(tx, quiet_since, mine)
        for some in in_parts(found, CAR_PARKS_AT_ONCE):
            async with self._database.transaction() as tx:
                told = await settle_flapping(tx, self._recorder, some, quiet_since)
            self._tell(told)

    async def silence(self) -> None:
        """Put spaces in doubt that were silent for longer than their heartbeat allows."""
        settings = self._recorder.settings
        async with self._database.transaction(readonly=True) as tx:
            since = self._listening(tx.now)
            if since is None:
                return
            await self._recorder.places.refresh(tx)
            mine = [operator for operator in await resync_sql.operators(tx) if self._ear.mine(operator)]
            due = self._due(await sql.heartbeats(tx, mine, otherwise_s=settings.space_stale_after_s), tx.now)
            found = await find_silent(tx, settings, due, since) if due else []
        for some in in_parts(found, CAR_PARKS_AT_ONCE):
            async with self._database.transaction() as tx:
                told = await mark_silent(tx, self._recorder, some, since)
            self._tell(told)

    def _listening(self, now: datetime) -> datetime | None:
        """Since when we have heard without a break; None while we do not."""
        last, self._last_turn = self._last_turn, now
        missed = timedelta(seconds=self._recorder.settings.sweep_s * DEAF_AFTER_TURNS)
        if not self._ear.hears:
            self._listening_since = None
        elif (
            self._listening_since is None
            or self._ear.connection != self._connection
            or last is None
            or now - last > missed
        ):
            self._listening_since = now
        self._connection = self._ear.connection
        return self._listening_since

    def _due(self, heartbeats: dict[CarParkId, float], now: datetime) -> list[CarParkId]:
        """Who is to be looked at in this turn."""
        self._look_at = {car_park: at for car_park, at in self._look_at.items() if car_park in heartbeats}
        due = [car_park for car_park in heartbeats if self._look_at.get(car_park, now) <= now]
        for car_park in due:
            again = timedelta(seconds=heartbeats[car_park] / LOOKS_A_HEARTBEAT)
            self._look_at[car_park] = now + min(again, LOOK_AGAIN_MAX)
        return sorted(due)
