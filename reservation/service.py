"""The manifest of reservation: read this first.

- `serving`, in every API process: holds and what becomes of them.
- `upkeep`, in a worker: what is done by the clock.
"""

from prometheus_client import CollectorRegistry

from contracts.audit import RecordAudit
from kernel.db import Database
from kernel.service import Job, Loop, Service
from reservation.http.offers import OffersApi
from reservation.http.operators import OperatorReservationsApi
from reservation.http.reservations import ReservationsApi
from reservation.http.waitlist import WaitlistApi
from reservation.pool_meters import PoolMeters
from reservation.recount import CRON, recount_pools
from reservation.settings import ReservationSettings
from reservation.signing import SigningKey
from reservation.sweep import sweep
from reservation.time_meters import TimeMeters


def serving(database: Database, *, signing_key: SigningKey, record_audit: RecordAudit) -> Service:
    """The side that answers."""
    return Service(
        "reservation",
        apis=[
            OffersApi(database, signing_key),
            ReservationsApi(database, signing_key),
            OperatorReservationsApi(database, record_audit),
            WaitlistApi(database),
        ],
    )


def upkeep(database: Database, settings: ReservationSettings, registry: CollectorRegistry) -> Service:
    """The side that looks after it."""
    meters = PoolMeters(registry)
    time_meters = TimeMeters(registry)

    async def count_again(_payload: bytes) -> None:
        await recount_pools(database, meters)

    async def look_at_deadlines() -> None:
        await sweep(database, time_meters)

    return Service(
        "reservation",
        loops=[Loop("reservation.sweep", look_at_deadlines, settings.sweep_s)],
        jobs=[Job("reservation.recount", count_again, cron=CRON)],
    )
