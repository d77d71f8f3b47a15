"""What is told to the devices of a lane about a vehicle that stands before it: as long as it can still stand there.

A passage that comes late (kept by a device that was offline, replayed from the dead letters or a recording) has no
order: the barrier would open for nobody. Its age is counted from the device's own time, so a lane whose clock is more
than an order's life behind gets none either.
"""

from datetime import datetime, timedelta
from typing import Final

import structlog

from contracts.facts import PassageSeen
from contracts.ids import LaneLabel
from contracts.orders import TEXT_CHARACTERS_MAX, TTL, GiveOrder, OrderKind, WantedOrder
from kernel.db import Tx
from kernel.problems import Problem

_log = structlog.get_logger(__name__)

SHORTEST: Final = timedelta(seconds=1)
"""The rest of an order's life is at least so long."""


def is_live(passage: PassageSeen, now: datetime) -> bool:
    """Whether the vehicle still stands there."""
    return now - passage.at <= TTL[OrderKind.OPEN_BARRIER]


async def tell_lane(
    tx: Tx,
    give_order: GiveOrder,
    passage: PassageSeen,
    kind: OrderKind,
    *,
    actor: str,
    reason: str,
    text: str | None = None,
) -> None:
    """Give the lane of `passage` an order, if the vehicle still stands there; a text is cut to what a display holds."""
    if not is_live(passage, tx.now):
        return
    wanted = WantedOrder(
        car_park=passage.car_park,
        kind=kind,
        cause=f"{kind}:{passage.id}",
        reason=reason,
        actor=actor,
        lane=LaneLabel(passage.lane),
        text=None if text is None else text[:TEXT_CHARACTERS_MAX],
        ttl=max(SHORTEST, TTL[kind] - (tx.now - passage.at)),
    )
    await give_what_can_be_obeyed(tx, give_order, wanted)


async def give_what_can_be_obeyed(tx: Tx, give_order: GiveOrder, wanted: WantedOrder) -> None:
    """Give it, unless its lane or space is gone from the registry meanwhile: what it was for happened all the same."""
    try:
        await give_order(tx, wanted)
    except Problem as refused:
        _log.warning("nobody can obey", car_park=wanted.car_park, kind=wanted.kind, why=repr(refused))
