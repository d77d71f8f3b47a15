"""The manifest of occupancy: read this first.

Three sides, one for each role that `app` composes, which share nothing but SQL and the public MQTT topics:
- `recording`, beside MQTT: the verb that the gateway runs in its transactions, and the loops that publish what changes
  without a message (stale, opened, closed, trend) or what a crash kept from being published;
- `serving`, in every API process: the board and the operations that read it;
- `upkeep`, in the worker: partitions ahead and behind, curves of sensors that were late, a nightly recount, and the
  health and score of everybody's data.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from prometheus_client import CollectorRegistry

from contracts.availability import Availability
from contracts.facts import Facts, Recorded, RecordFacts
from contracts.ids import CarParkId
from contracts.orders import GiveOrder
from kernel.db import Database, Tx
from kernel.service import Job, Loop, Service
from occupancy import sql
from occupancy.availability import availability_of
from occupancy.board import RELOAD_S, Board
from occupancy.decide_drift import RecordAudit
from occupancy.doubt_steps import DoubtSteps, Ear
from occupancy.health_meters import HealthMeters
from occupancy.health_steps import HealthSteps
from occupancy.heed_gaps import forget_gaps
from occupancy.http.car_parks import CarParksApi
from occupancy.http.city import City, CityApi
from occupancy.http.drift import DriftApi
from occupancy.http.gaps import GapsApi
from occupancy.http.health import HealthApi
from occupancy.http.history import HistoryApi
from occupancy.http.live import LiveApi
from occupancy.mend_curves import mend_curves
from occupancy.meters import OccupancyMeters, SnapshotMeters
from occupancy.partitions import keep_partitions
from occupancy.propose_drift import LOOK_S as DRIFT_LOOK_S
from occupancy.propose_drift import look_and_propose
from occupancy.record import Recorder
from occupancy.recount import recount
from occupancy.retell_now import retell_now
from occupancy.settings import OccupancySettings
from occupancy.silence import LOOK_S, learn_heartbeats
from occupancy.snapshot_steps import COUNTED_S, SNAPSHOTS_S, Line, SnapshotSteps
from occupancy.stream import FLUSH_S
from occupancy.sweep import Sweep
from occupancy.trend import find_trends, set_trends

TREND_S = 60.0
REPUBLISH_S = 2.0
"""How long it takes at most until what another process did (an import, a replay, a removal over REST) is published."""
REGISTRY_S = 1.0
"""How long it takes at most until followers of the live stream hear of a car park that is new, changed or gone."""
PARTITIONS_S = 3600.0
CURVES_S = 30.0
"""How long what a sensor kept is missing from the curve of its car park, beside what recording put at its end."""
RECOUNT_CRON = "40 19 * * *"
"""UTC: twenty to four at night in China."""
CAR_PARKS_AT_ONCE = 50
"""Locked together by the upkeep, some twenty thousand spaces: no batch waits for it longer than it takes itself."""


class Outlet(Line, Ear, Protocol):
    """The retained public topics. Nothing here waits."""

    def publish(self, availabilities: Sequence[Availability]) -> None:
        """Put these on their topics, soon."""

    def withdraw(self, car_parks: Iterable[CarParkId]) -> None:
        """Take away what lies on the topics of these, soon; costs nothing where that is done."""

    @property
    def connection(self) -> int:
        """Grows with every connection to a broker, which may have forgotten what it was told before."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What the gateway's process runs of occupancy."""

    record_facts: RecordFacts
    service: Service


@dataclass(frozen=True, slots=True)
class Serving:
    """What an API process runs of occupancy; public MQTT messages go to `board.on_public`."""

    board: Board
    service: Service


def recording(
    database: Database,
    settings: OccupancySettings,
    *,
    outlet: Outlet,
    give_order: GiveOrder,
    registry: CollectorRegistry,
    wake: asyncio.Event | None = None,
) -> Recording:
    """The side beside MQTT; `wake` is set when another process has recorded something."""
    recorder = Recorder(settings)
    steps = RecordingSteps(database, recorder, outlet)
    doubts = DoubtSteps(database, recorder, outlet, steps.tell)
    snapshots = SnapshotSteps(database, settings, outlet, give_order, SnapshotMeters(registry))
    loops = [
        Loop("occupancy sweep", steps.sweep, settings.sweep_s),
        Loop("occupancy trend", steps.trend, TREND_S),
        Loop("occupancy republish", steps.republish, REPUBLISH_S, wake),
        Loop("occupancy snapshots", snapshots.step, SNAPSHOTS_S),
        Loop("occupancy gaps counted", snapshots.count, COUNTED_S),
        Loop("occupancy silence", doubts.silence, settings.sweep_s),
        Loop("occupancy flapping", doubts.settle, settings.sweep_s),
    ]
    return Recording(steps.record_facts, Service("occupancy", loops=loops))


def serving(database: Database, settings: OccupancySettings, city: City, record_audit: RecordAudit) -> Serving:
    """The side that answers."""
    board = Board(database, settings)
    apis = [
        CarParksApi(database, board),
        HistoryApi(database, board),
        LiveApi(board, database.clock),
        CityApi(board, city),
        HealthApi(database, settings),
        GapsApi(database),
        DriftApi(database, Recorder(settings), record_audit),
    ]

    async def flush() -> None:
        board.flush()

    async def look_at_registry() -> None:
        if board.loaded:
            await board.catch_up()

    loops = [
        Loop("occupancy board", board.load, RELOAD_S),
        Loop("occupancy registry", look_at_registry, REGISTRY_S),
        Loop("occupancy live", flush, FLUSH_S),
    ]
    return Serving(board, Service("occupancy", apis=apis, loops=loops))


def upkeep(database: Database, settings: OccupancySettings, registry: CollectorRegistry) -> Service:
    """The side that tidies up."""
    meters = OccupancyMeters(registry)

    async def partitions() -> None:
        await keep_partitions(database, settings)

    async def heartbeats() -> None:
        async with database.transaction() as tx:
            await learn_heartbeats(tx)

    async def drift() -> None:
        async with database.transaction() as tx:
            proposed = await look_and_propose(tx, settings)
        meters.drifts_proposed.inc(proposed)

    async def gaps_forgotten() -> None:
        async with database.transaction() as tx:
            await forget_gaps(tx, settings)

    async def curves() -> None:
        await mend_curves(database, meters)

    health = HealthSteps(database, settings, HealthMeters(registry))

    async def count_again(_payload: bytes) -> None:
        await recount_city(database, Recorder(settings), meters)

    return Service(
        "occupancy",
        loops=[
            Loop("occupancy partitions", partitions, PARTITIONS_S),
            Loop("occupancy heartbeats", heartbeats, LOOK_S),
            Loop("occupancy drift", drift, DRIFT_LOOK_S),
            Loop("occupancy gaps forgotten", gaps_forgotten, PARTITIONS_S),
            Loop("occupancy curves", curves, CURVES_S),
            *health.loops(),
        ],
        jobs=[Job("occupancy.recount", count_again, cron=RECOUNT_CRON)],
    )


class RecordingSteps:
    """Recording and the loops beside MQTT. A loop is a transaction, and then what it told is published."""

    def __init__(self, database: Database, recorder: Recorder, outlet: Outlet) -> None:
        self._database = database
        self._recorder = recorder
        self._outlet = outlet
        self._told_on = 0
        self._sweep = Sweep(recorder)
        self._told: dict[CarParkId, int] = {}
        """The newest version of each car park that this process told on this connection, or will once it commits."""

    async def record_facts(self, tx: Tx, facts: Facts) -> Recorded:
        """Record for the gateway, which publishes what comes back."""
        recorded = await self._recorder.record_facts(tx, facts)
        self._note(recorded.availabilities)
        return recorded

    async def sweep(self) -> None:
        """Publish what the clock or the registry changed."""
        async with self._database.transaction(readonly=True) as tx:
            touched, changed = await self._sweep.look(tx)
        for start in range(0, len(touched), CAR_PARKS_AT_ONCE):
            some = touched[start : start + CAR_PARKS_AT_ONCE]
            async with self._database.transaction() as tx:
                told = await retell_now(tx, self._recorder, some, recount=changed.intersection(some))
            self.tell(told)
        self._sweep.dealt_with()

    async def trend(self) -> None:
        """Publish whose trend moved."""
        async with self._database.transaction(readonly=True) as tx:
            found = list((await find_trends(tx)).items())
        for start in range(0, len(found), CAR_PARKS_AT_ONCE):
            async with self._database.transaction() as tx:
                told = await set_trends(tx, self._recorder, dict(found[start : start + CAR_PARKS_AT_ONCE]))
            self.tell(told)

    async def republish(self) -> None:
        """Publish what others recorded, and at first everything: a crash may have kept it back.

        What is gone from the registry is withdrawn, also by whoever starts after the crash of the one who should have.
        """
        if self._told_on != self._outlet.connection:
            self._told_on = self._outlet.connection
            self._told.clear()
        async with self._database.transaction(readonly=True) as tx:
            versions, gone = await sql.versions(tx)
            behind = [car_park for car_park, version in versions.items() if version > self._told.get(car_park, 0)]
            standings = await sql.standings_now(tx, behind) if behind else []
            told = [availability_of(standing, tx.now) for standing in standings]
        for car_park in gone:
            self._told.pop(car_park, None)  # it may come back as it was
        self._outlet.withdraw(gone)
        self.tell(told)

    def tell(self, told: Sequence[Availability]) -> None:
        """Publish what a committed transaction changed."""
        self._note(told)
        self._outlet.publish(told)

    def _note(self, told: Sequence[Availability]) -> None:
        self._told.update((CarParkId(availability.car_park), availability.version) for availability in told)


async def recount_city(database: Database, recorder: Recorder, meters: OccupancyMeters) -> None:
    """Count every car park's spaces again, some at a time, and repair sums that do not match them."""
    async with database.transaction(readonly=True) as tx:
        await recorder.places.refresh(tx)
        car_parks = sorted(standing.car_park for standing in await sql.standings_now(tx, None))
    for start in range(0, len(car_parks), CAR_PARKS_AT_ONCE):
        some = car_parks[start : start + CAR_PARKS_AT_ONCE]
        async with database.transaction() as tx:
            wrong, _ = await recount(tx, recorder, some)
        meters.recounted.inc(len(some))
        meters.repaired.inc(wrong)
