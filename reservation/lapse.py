"""Deadlines that passed: holds expire, whoever did not come is a no-show, whoever stays is overstaying.

The sweep in the worker takes them in parts, each a transaction of its own, so that a sweep that dies leaves whole steps
only; rows that somebody else holds are passed over, so that two sweeps at once share the work. Nothing depends on when
it comes by: every step looks at the deadlines itself (`lifecycle.seen_at`), and a hold ends what is in its way.
"""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from contracts.ids import CarParkId
from kernel.db import Database, Row, Tx
from reservation.claim import give_back_all
from reservation.lifecycle import Promise, State
from reservation.promote import offer_freed
from reservation.sql import lapses as sql
from reservation.sql import reservations
from reservation.stay import Stay
from reservation.steps import seen_now
from reservation.tell_cost import tell_cost
from reservation.time_meters import TimeMeters

PART_ROWS: Final = 200
"""Promises in one transaction: a hot pool's days are locked for some tens of milliseconds."""
PARTS_MAX: Final = 50
"""Of one kind in one sweep; what is left after an outage is the next one's."""
IN_THE_WAY_MAX: Final = 100
"""Ended for one hold: one would often do, and the sweep ends the rest."""
_KINDS: Final = {State.EXPIRED: "expired", State.NO_SHOW: "no_show", State.CHECKED_IN: "overstaying"}


class RanOut(Struct, frozen=True):
    """Promises that are no longer what their rows say, locked; never empty."""

    steps: Sequence[tuple[Row, Promise, str]]

    async def end(self, tx: Tx) -> set[CarParkId]:
        """Write it, and give back what they took; the car parks where something came free."""
        await reservations.move_all(tx, self.steps)
        over = [row for row, promise, _ in self.steps if not promise.is_active]
        await give_back_all(tx, over, tx.now)
        for row, promise, _ in self.steps:
            await tell_cost(tx, row["id"], promise, price=row["price"])
        return {CarParkId(row["car_park"]) for row in over}


async def lapse_in_the_way(tx: Tx, car_park: CarParkId, space: int | None, stay: Stay) -> RanOut | None:
    """What ran out and is in the way of `stay` in `space` (None: the pool), to be ended; None when nothing did."""
    return _ran_out(tx, await sql.in_the_way(tx, car_park, space, stay, IN_THE_WAY_MAX))


async def lapse_all(database: Database, meters: TimeMeters) -> None:
    """One sweep over all deadlines; what comes free is offered to whoever waits in the same transaction."""
    async with database.transaction(readonly=True) as tx:
        meters.overdue(await sql.overdue_since(tx), tx.now)
    for deadline in sql.PASSED:
        for _ in range(PARTS_MAX):
            async with database.transaction() as tx:
                lapsed = await _part(tx, deadline)
            if lapsed < PART_ROWS:
                break


async def _part(tx: Tx, deadline: sql.Deadline) -> int:
    ran_out = _ran_out(tx, await sql.passed(tx, deadline, PART_ROWS))
    if ran_out is None:
        return 0
    await offer_freed(tx, await ran_out.end(tx))
    return len(ran_out.steps)


def _ran_out(tx: Tx, rows: Sequence[Row]) -> RanOut | None:
    seen = [(row, seen_now(tx, row)) for row in rows]
    return RanOut([(row, promise, _KINDS[promise.state]) for row, promise in seen]) if seen else None
