"""The manifest of reservation: read this first.

- `serving`, in every API process: holds and what becomes of them.
- `upkeep`, in a worker: what is done by the clock.
- `counting`, beside the gateway: what is promised is told to availability;
- `on_passages` and `hear_of_locks`: what the gateway runs in its own transactions.
"""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from prometheus_client import CollectorRegistry

from contracts.audit import RecordAudit
from contracts.facts import PassageHandler, PassageSeen
from contracts.orders import GiveOrder
from contracts.promises import TellPromised
from kernel.db import Database, Tx
from kernel.service import Job, Loop, Service
from reservation.call_off import CALL_OFF_S, call_off
from reservation.deliver import Deliver
from reservation.honour_passages import honour_passages
from reservation.http.feed import POLL_S, Feed
from reservation.http.follow import FollowApi
from reservation.http.listings import ListingsApi
from reservation.http.offers import OffersApi
from reservation.http.operator_listings import OperatorListingsApi
from reservation.http.operators import OperatorReservationsApi
from reservation.http.passes import PassesApi
from reservation.http.reservations import ReservationsApi
from reservation.http.views import ReservationView
from reservation.http.waitlist import WaitlistApi
from reservation.http.webhooks import WebhooksApi
from reservation.lapse import lapse_all
from reservation.lay_slots import lay_slots
from reservation.outside import Outside
from reservation.pool_meters import PoolMeters
from reservation.promote import LINE_S, promote_all
from reservation.recount import CRON, recount_pools
from reservation.relay import JOB as WEBHOOK_JOB
from reservation.relay import RELAY_S, relay
from reservation.settings import ReservationSettings
from reservation.signing import SigningKey
from reservation.space_locks import hear_of_locks
from reservation.stay_on import ArrivalSteps
from reservation.tell_promised import tell_promised
from reservation.time_meters import TimeMeters

__all__ = ["counting", "hear_of_locks", "on_passages", "serving", "upkeep"]

PROMISED_S = 1.0
"""How late what is promised is taken off what is free."""
ARRIVALS_S = 1.0
"""How late a guest who waits inside, or whose space is taken, is looked after."""

LAY_S = 60.0
"""Between two looks at listings that are not laid out far enough: each is due once a day."""


def on_passages(give_order: GiveOrder) -> PassageHandler:
    """Who comes and goes, as it concerns promises."""
    return partial(_honour, give_order)


async def _honour(give_order: GiveOrder, tx: Tx, passages: Sequence[PassageSeen]) -> None:
    await honour_passages(tx, give_order, passages)


def counting(database: Database, tell: TellPromised) -> Service:
    """The side beside the gateway, which publishes what `tell` changes."""

    async def step() -> None:
        await tell_promised(database, tell)

    return Service("reservation", loops=[Loop("reservation.promised", step, PROMISED_S)])


def serving(
    database: Database,
    settings: ReservationSettings,
    *,
    signing_key: SigningKey,
    record_audit: RecordAudit,
    give_order: GiveOrder,
) -> Service:
    """The side that answers."""
    ahead = timedelta(days=settings.laid_days)
    feed = Feed(database)
    return Service(
        "reservation",
        apis=[
            OffersApi(database, signing_key),
            ReservationsApi(database, signing_key),
            OperatorReservationsApi(database, record_audit),
            WaitlistApi(database),
            FollowApi(database, feed),
            PassesApi(database, signing_key, give_order, record_audit),
            ListingsApi(database, ahead),
            OperatorListingsApi(database, record_audit, ahead),
            WebhooksApi(database, record_audit, Outside(loopback_allowed=settings.webhooks_loopback)),
        ],
        loops=[Loop("reservation.feed", feed.step, POLL_S)],
    )


def upkeep(
    database: Database, settings: ReservationSettings, registry: CollectorRegistry, give_order: GiveOrder
) -> Service:
    """The side that looks after it."""
    meters = PoolMeters(registry)
    time_meters = TimeMeters(registry)

    async def count_again(_payload: bytes) -> None:
        await recount_pools(database, meters)

    async def look_at_deadlines() -> None:
        await lapse_all(database, time_meters)

    async def look_at_shut_car_parks() -> None:
        await call_off(database)

    async def look_at_the_line() -> None:
        await promote_all(database, time_meters)

    async def tell_webhooks() -> None:
        await relay(database, ReservationView.of, time_meters)

    deliver = Deliver(database, Outside(loopback_allowed=settings.webhooks_loopback), time_meters)

    async def lay_further() -> None:
        await lay_slots(database, ahead=timedelta(days=settings.laid_days))

    return Service(
        "reservation",
        loops=[
            Loop("reservation.sweep", look_at_deadlines, settings.sweep_s),
            Loop("reservation.line", look_at_the_line, LINE_S),
            Loop("reservation.call-off", look_at_shut_car_parks, CALL_OFF_S),
            Loop("reservation.arrivals", ArrivalSteps(database, give_order).step, ARRIVALS_S),
            Loop("reservation.lay", lay_further, LAY_S),
            Loop("reservation.relay", tell_webhooks, RELAY_S),
        ],
        jobs=[Job("reservation.recount", count_again, cron=CRON), Job(WEBHOOK_JOB, deliver.handle)],
    )
