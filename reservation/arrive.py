"""A vehicle drives in: whoever has a promise is checked in by his plate, in the transaction of the passage."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog
from msgspec import Struct

from contracts.facts import PassageSeen
from contracts.orders import GiveOrder
from kernel.db import Row, Tx
from kernel.problems import Problem
from reservation.check_in import NotYet, check_in
from reservation.leave import complete
from reservation.lifecycle import State, seen_at
from reservation.sql import reservations as sql

_log = structlog.get_logger(__name__)

REMEMBERED: Final = timedelta(minutes=10)
"""Of an entry that is told later than this, nobody knows whether the vehicle is still inside: it may check in a guest
in his time, but nobody waits inside because of it."""


class Entry(Struct, frozen=True):
    """A guest's (`promise` is checked in), somebody's whose promise must wait (`why`), or a walk-in's."""

    passage: PassageSeen
    promise: Row | None = None
    why: NotYet | None = None
    moved: tuple[Row, ...] = ()
    """Promises that changed by it, as they are now."""

    @property
    def is_guest(self) -> bool:
        return self.promise is not None and self.why is None

    @property
    def waits(self) -> bool:
        """Once he is let in, his promise waits for him inside."""
        return self.promise is not None and self.why not in (None, NotYet.SPACE_TAKEN)

    def is_due(self, now: datetime) -> bool:
        """Whether the promise that waits is among those that are kept from walk-ins."""
        if self.promise is None or not self.waits or self.promise["inside_since"] is not None:
            return False
        return bool(self.promise["begins"] <= now + timedelta(seconds=sql.terms_of(self.promise).due_s))


async def arrive(tx: Tx, give_order: GiveOrder, passage: PassageSeen, promises: Sequence[Row]) -> Entry:
    """Check the vehicle of `passage` in, whose `promises` here are locked, earliest first."""
    moved: list[Row] = []
    for row in promises:
        if State(row["state"]) is State.CHECKED_IN:
            if passage.at < row["until"]:
                return Entry(
                    passage, row, moved=tuple(moved)
                )  # a second reading, or he was out for something that nobody saw
            moved.append(await complete(tx, row, left_at=passage.at, by=passage.id, free=True, cause="exit_unseen"))
    for row in promises:
        if not _may_be_meant(tx, row, passage):
            continue
        try:
            done = await check_in(tx, give_order, row, arrived_at=passage.at, passage=passage.id)
        except Problem as problem:  # the passage happened, whatever became of the promise
            _log.warning("arrival not taken", reservation=row["id"], why=repr(problem))
            continue
        return Entry(passage, done.row, done.why, (*moved, done.row))
    return Entry(passage, moved=tuple(moved))


def _may_be_meant(tx: Tx, row: Row, passage: PassageSeen) -> bool:
    """Not over when he came; and before its time only if he must still be inside."""
    if passage.at < row["earliest"] and tx.now - passage.at > REMEMBERED:
        return False
    return seen_at(sql.promise_of(row), passage.at).state in (State.HELD, State.CONFIRMED)
