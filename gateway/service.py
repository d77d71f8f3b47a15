"""The manifest of the gateway: read this first.

Three sides, one for each role that `app` composes:
- `Gateway`, the process that speaks MQTT: link, ingest and a copy of the registry. It takes the facts' `Handlers` and
  offers `publish` to whoever has availabilities to tell;
- `serving`, in every API process: what was refused, its replay, the books;
- `upkeep`, in the worker: dead letters are forgotten in time.
An API process hears the public topics by a `Link` of its own.
"""

from gateway import forget
from gateway.gateway import Gateway
from gateway.http import RejectedApi
from gateway.record import Handlers
from gateway.settings import GatewaySettings
from kernel.db import Database
from kernel.service import Loop, Service

__all__ = ["Gateway", "Handlers", "serving", "upkeep"]

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
