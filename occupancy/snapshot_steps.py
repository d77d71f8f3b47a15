"""The loop beside MQTT that makes losses good: see `occupancy.resync`, which does one turn."""

from typing import Protocol

from contracts.orders import GiveOrder
from kernel.db import Database
from occupancy.heed_gaps import want_snapshots
from occupancy.meters import SnapshotMeters
from occupancy.resync import everyone_reachable, look_after_snapshots
from occupancy.settings import OccupancySettings
from occupancy.sql import gaps as gaps_sql
from occupancy.sql import resync as sql

SNAPSHOTS_S = 1.0
"""The budget of spaces is a second's."""
COUNTED_S = 15.0


class Line(Protocol):
    """The connection to the broker, as far as losses depend on it."""

    @property
    def fresh_sessions(self) -> int:
        """Grows with every connection for which the broker had kept nothing: what was said before it may be lost."""

    def mine(self, operator: str) -> bool:
        """Whether this process speaks to the devices of `operator`."""


class SnapshotSteps:
    """Remembers which loss of a session it has dealt with."""

    def __init__(
        self, database: Database, settings: OccupancySettings, line: Line, give_order: GiveOrder, meters: SnapshotMeters
    ) -> None:
        self._database = database
        self._settings = settings
        self._line = line
        self._give_order = give_order
        self._meters = meters
        self._dealt_with = 0

    async def step(self) -> None:
        """One turn for the operators whose devices this process speaks to."""
        lost = self._line.fresh_sessions
        async with self._database.transaction() as tx:
            operators = [operator for operator in await sql.operators(tx) if self._line.mine(operator)]
            if not operators:
                return
            if lost != self._dealt_with:
                await want_snapshots(tx, self._settings, await everyone_reachable(tx, operators), "session")
            turn = await look_after_snapshots(tx, self._settings, self._give_order, operators)
        self._dealt_with = lost
        self._meters.ordered.inc(turn.ordered)
        self._meters.done.inc(turn.done)

    async def count(self) -> None:
        """What Prometheus is told."""
        async with self._database.transaction(readonly=True) as tx:
            self._meters.show_gaps(await gaps_sql.gaps_by_fate(tx))
            self._meters.waiting.set(await sql.waiting(tx))
