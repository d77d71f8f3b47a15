"""The manifest of the gateway: read this first.

Three sides, one for each role that `app` composes:
- `Gateway`, the process that speaks MQTT: link, ingest and a copy of the registry. It takes the facts' `Handlers` and
  offers `publish` to whoever has availabilities to tell;
- `serving`, in every API process: what was refused, its replay, the books;
- `upkeep`, in the worker: dead letters are forgotten in time.
An API process hears the public topics by a `Link` of its own, made by `public_listener`.
"""

from collections.abc import Callable

from contracts.wire import PUBLIC_PREFIX
from gateway import forget
from gateway.address import BrokerAddress, ProtocolVersion, Session
from gateway.gateway import Gateway
from gateway.http.rejected import RejectedApi
from gateway.link import Link
from gateway.received import Received
from gateway.record import Handlers
from gateway.settings import GatewaySettings
from kernel.clock import Clock
from kernel.db import Database
from kernel.service import Loop, Service

__all__ = ["Gateway", "Handlers", "public_listener", "serving", "upkeep"]

FORGET_S = 30.0
"""Between two looks a flood of nonsense can grow by what the link takes in that time, which the disk can bear."""


def serving(db: Database, handlers: Handlers) -> Service:
    """The side that answers. `handlers` record what is replayed, in the request's transaction."""
    return Service("gateway", apis=[RejectedApi(db, handlers)])


def upkeep(db: Database, settings: GatewaySettings) -> Service:
    """The side that tidies up."""

    async def forget_old() -> None:
        async with db.transaction() as tx:
            await forget.forget_dead_letters(tx, settings)

    return Service("gateway", loops=[Loop("gateway dead letters", forget_old, FORGET_S)])


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
