"""The manifest of the gateway: read this first.

Three sides, one for each role that `app` composes:
- `Gateway`, the process that speaks MQTT: link, ingest, a copy of the registry, the dispatcher of orders. It takes the
  facts' `Handlers` and offers `publish` to whoever has availabilities to tell;
- `unspooling`, beside it: what cameras posted over HTTP; `Heed` hears what other processes recorded;
- `serving`, in every API process: signed pushes, cameras' posts, what was refused, its replay, the books; operators'
  orders to devices;
- `upkeep`, in the worker: orders expire, they and dead letters are forgotten in time.
`give_order` is the verb by which the other services give orders in their own transactions.
An API process hears the public topics by a `Link` of its own, made by `public_listener`.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta

from prometheus_client import CollectorRegistry

from contracts.audit import RecordAudit
from contracts.availability import Availability
from contracts.orders import OrderHandler
from contracts.wire import PUBLIC_PREFIX
from gateway import forget
from gateway.address import BrokerAddress, ProtocolVersion, Session
from gateway.connection import Connection
from gateway.device_profiles import device_profiles
from gateway.expire_orders import expire_orders, forget_orders
from gateway.gateway import Gateway
from gateway.give_order import give_order
from gateway.http.cameras import CamerasApi
from gateway.http.orders import OrdersApi
from gateway.http.push import PushApi
from gateway.http.rejected import RejectedApi
from gateway.link import Link
from gateway.metrics import GatewayMetrics
from gateway.notices import Heed
from gateway.order_metrics import OrderMetrics
from gateway.partition_lease import SlotLost
from gateway.received import Received
from gateway.record import Handlers
from gateway.settings import GatewaySettings
from gateway.spool import SpoolWork
from gateway.sql import nonces
from kernel.api_keys import KeyChecker
from kernel.clock import Clock
from kernel.db import Database
from kernel.rates import Limiter, Rate
from kernel.service import Loop, Service

__all__ = [
    "Gateway",
    "Handlers",
    "Heed",
    "SlotLost",
    "device_profiles",
    "give_order",
    "public_listener",
    "serving",
    "try_broker",
    "unspooling",
    "upkeep",
]

FORGET_S = 30.0
"""Between two looks a flood of nonsense can grow by what the link takes in that time, which the disk can bear."""
SPOOL_S = 1.0
"""How late what was spooled is recorded when nobody woke us."""
NONCE_MARGIN = timedelta(minutes=5)
"""For processes whose clocks differ: a nonce that is forgotten too early is a request that can be repeated."""
NONCES_FORGOTTEN_MAX = 20_000
"""At once; 600 pushes a second go as fast as they come."""
EXPIRE_S = 1.0
"""Whoever looks at an order sees its deadline anyway; this is how late those hear of it who gave it."""


def serving(
    db: Database,
    handlers: Handlers,
    *,
    clock: Clock,
    settings: GatewaySettings,
    record_audit: RecordAudit,
    keys: KeyChecker,
) -> Service:
    """The side that answers. `handlers` record what is pushed or replayed, in the request's transaction; `keys` know
    the cameras'.
    """
    barrier_limit = Limiter(clock, Rate.of(settings.barrier_rate))
    apis = [
        RejectedApi(db, handlers, record_audit),
        PushApi(db, handlers),
        CamerasApi(db, keys),
        OrdersApi(db, record_audit, barrier_limit),
    ]
    return Service("gateway", apis=apis)


def unspooling(
    db: Database,
    handlers: Handlers,
    publish: Callable[[Sequence[Availability]], None],
    *,
    metrics: GatewayMetrics,
    wake: asyncio.Event,
) -> Service:
    """Beside MQTT: what cameras posted is recorded; `wake` is set when there is something."""
    work = SpoolWork(db, handlers, publish, metrics)
    return Service("gateway", loops=[Loop("gateway spool", work.step, SPOOL_S, wake)])


def upkeep(
    db: Database, settings: GatewaySettings, registry: CollectorRegistry, on_order: Sequence[OrderHandler] = ()
) -> Service:
    """The side that tidies up; `on_order` hears of every order that expired."""
    orders, letters = OrderMetrics(registry), forget.ForgottenMetrics(registry)

    async def forget_old() -> None:
        async with db.transaction() as tx:
            forgotten = await forget.forget_dead_letters(tx, settings)
        letters.count(forgotten)
        async with db.transaction() as tx:
            await forget_orders(tx, days=settings.orders_days)
        async with db.transaction() as tx:
            await nonces.forget_nonces(tx, expired_before=tx.now - NONCE_MARGIN, rows_max=NONCES_FORGOTTEN_MAX)

    async def expire() -> None:
        async with db.transaction() as tx:
            expired = await expire_orders(tx, on_order)
        for order in expired:
            orders.count(order.kind, order.state)

    loops = [Loop("gateway dead letters", forget_old, FORGET_S), Loop("gateway orders", expire, EXPIRE_S)]
    return Service("gateway", loops=loops)


def public_listener(
    broker_url: str,
    clock: Clock,
    hear: Callable[[str, bytes], None],
    *,
    client_id: str,
    protocol: ProtocolVersion = "5",
    ca_file: str | None = None,
) -> Link:
    """A link that calls `hear(topic, payload)` for every availability, first for the retained ones. Run and stop it.

    The broker keeps no session for it: whoever was away reads everything again. `client_id` differs per process.
    At QoS 0, because at QoS 1 the embedded broker gives a new subscriber only the first hundred retained messages; what
    an overfull broker drops is read from SQL within half a minute.
    """

    def take(message: Received) -> bool:
        hear(message.topic, message.payload)
        return True

    session = Session(client_id, (f"{PUBLIC_PREFIX}/+",), protocol, qos=0, ca_file=ca_file)
    return Link(BrokerAddress.of(broker_url), session, clock, on_message=take, acknowledge_at_once=True)


async def try_broker(url: str, *, client_id: str, ca_file: str | None = None) -> None:
    """Log in and out. Raises BrokerAway, a ConnectionError, with the reason; ValueError for a `url` that is none."""
    session = Session(client_id, (), "3.1.1", ca_file=ca_file)
    connection = Connection(session, on_message=lambda _fed: True, on_published=lambda _mid, _reason: None)
    await connection.connect(BrokerAddress.of(url))
    await connection.close()
