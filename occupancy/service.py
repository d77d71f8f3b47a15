"""The manifest of occupancy: read this first.

Three sides, one for each role that `app` composes, which share nothing but SQL and the public MQTT topics:
- `recording`, beside MQTT: the verb that the gateway runs in its transactions, and the loops that publish what changes
  without a message (stale, opened, closed, trend) or what a crash kept from being published;
- `serving`, in every API process: the board and the operations that read it;
- `upkeep`, in the worker: partitions ahead and behind, curves of sensors that were late, a nightly recount, and the
  health and score of everybody's data.
"""

import asyncio
from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from contracts.audit import RecordAudit
from contracts.facts import RecordFacts
from contracts.orders import GiveOrder
from contracts.promises import TellPromised
from kernel.db import Database
from kernel.service import Job, Loop, Service
from occupancy.board import RELOAD_S, Board
from occupancy.doubt_steps import DoubtSteps
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
from occupancy.recording_steps import Outlet, RecordingSteps
from occupancy.recount import recount_city
from occupancy.settings import OccupancySettings
from occupancy.silence import LOOK_S, learn_heartbeats
from occupancy.snapshot_steps import COUNTED_S, SNAPSHOTS_S, SnapshotSteps
from occupancy.stream import FLUSH_S

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


@dataclass(frozen=True, slots=True)
class Recording:
    """What the gateway's process runs of occupancy."""

    record_facts: RecordFacts
    set_promised: TellPromised
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
    return Recording(steps.record_facts, steps.set_promised, Service("occupancy", loops=loops))


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
