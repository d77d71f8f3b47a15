"""What the clock does for guests who are inside already: the steps of a loop, each promise in a transaction of its own.

- Who drove in before his time, or with a hold that he then confirmed, is checked in as soon as there is room.
- Who stays on from one promise into the next one of his vehicle is moved over: no overstay, no no-show.
- Whose space is taken before he comes gets another.
- Locks follow their guests.
"""

from contracts.orders import GiveOrder
from kernel.db import Database, Row, Tx
from reservation.check_in import check_in
from reservation.leave import complete
from reservation.lifecycle import State
from reservation.space_locks import move_locks
from reservation.sql import arrivals, substitutes
from reservation.substitute import substitute_ahead

AT_ONCE = 200
"""Looked at in one turn; the others in the next."""


class _NotYet(Exception):
    """The next promise cannot be taken up: the one before goes on."""


class ArrivalSteps:
    """The steps of the loop, in the worker."""

    def __init__(self, database: Database, give_order: GiveOrder) -> None:
        self._database = database
        self._give_order = give_order

    async def step(self) -> None:
        """One turn."""
        async with self._database.transaction(readonly=True) as tx:
            followed = await arrivals.followed(tx, limit=AT_ONCE)
            waiting = await arrivals.waiting_inside(tx, limit=AT_ONCE)
        for first, following in followed:
            async with self._database.transaction() as tx:
                await self._move_over(tx, await arrivals.lock_if_free(tx, [first, following]), first)
        for reservation in waiting:
            async with self._database.transaction() as tx:
                for row in await arrivals.lock_if_free(tx, [reservation]):
                    await self._take_up(tx, row)
        async with self._database.transaction(readonly=True) as tx:
            taken = await substitutes.taken_ahead(tx, limit=AT_ONCE)
        for reservation in taken:
            async with self._database.transaction() as tx:
                for row in await arrivals.lock_if_free(tx, [reservation]):
                    if State(row["state"]) is State.CONFIRMED:
                        await substitute_ahead(tx, row)
        async with self._database.transaction() as tx:
            await move_locks(tx, self._give_order)

    async def _take_up(self, tx: Tx, row: Row) -> None:
        since = row["inside_since"]
        if since is None or State(row["state"]) is not State.CONFIRMED:
            return
        arrived_at = min(since, row["latest"])
        await check_in(tx, self._give_order, row, arrived_at=arrived_at, passage="inside")

    async def _move_over(self, tx: Tx, rows: list[Row], first_id: str) -> None:
        """End the first as if he had left, and check the next one in; both or neither."""
        if len(rows) < 2:
            return
        first, following = sorted(rows, key=lambda row: row["id"] != first_id)
        if first["state"] != State.CHECKED_IN or following["state"] != State.CONFIRMED:
            return
        adjoins = following["begins"] == first["until"]
        try:
            async with tx.savepoint():
                left_at = first["until"] if adjoins else tx.now
                await complete(tx, first, left_at=left_at, by=following["id"], cause="stays_on")
                arrived_at = first["checked_in_at"]
                done = await check_in(
                    tx, self._give_order, following, arrived_at=arrived_at, passage=first["passage"] or "inside"
                )
                if done.why is not None and done.row["state"] == State.CONFIRMED:
                    raise _NotYet
        except _NotYet:
            return
