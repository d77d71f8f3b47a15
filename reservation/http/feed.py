"""What becomes of the promises of drivers who follow them: one reader of the events in a process, however many streams.

It polls, and only while somebody follows: telling of every step by NOTIFY would put all commits in one line. Each
stream has a line of its own; one that is too long is dropped, and its driver gets everything anew.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from msgspec import Struct

from kernel.answers import dump
from kernel.db import Database, Row, Tx
from kernel.moments import wire_time
from kernel.sse import encode_event
from reservation.http.views import ReservationView
from reservation.sql import events as sql
from reservation.sql.events import Position

POLL_S: Final = 0.5
"""How late a change is told: nobody notices half a second, and a poll that finds nothing is one index look."""
LINE_EVENTS_MAX: Final = 200
"""Not yet taken by a reader; more at once is a new picture."""
BEHIND_MAX: Final = 100_000
"""Numbers that may have been given and not yet be committed when the reading begins: a minute and a half of the most
that is promised."""


class Told(Struct, frozen=True, gc=False):
    """An event, written once for all streams of its driver; `place` is (transaction, number) in the order of all."""

    place: tuple[int, int]
    raw: bytes


class Overrun(Exception):
    """More has happened than the line holds."""


class Line:
    """What one stream has yet to tell."""

    def __init__(self) -> None:
        self._told: deque[Told] = deque()
        self._is_overrun = False
        self._filled = asyncio.Event()

    def add(self, told: Told) -> None:
        if len(self._told) >= LINE_EVENTS_MAX:
            self._told.clear()
            self._is_overrun = True
        self._told.append(told)
        self._filled.set()

    async def taken(self) -> list[Told]:
        """All there is, as soon as there is any. Raises Overrun; then the line is empty."""
        await self._filled.wait()
        self._filled.clear()
        told, was_overrun = list(self._told), self._is_overrun
        self._told.clear()
        self._is_overrun = False
        if was_overrun:
            raise Overrun
        return told


class Feed:
    """Made once a process; a loop calls `step`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lines: defaultdict[str, set[Line]] = defaultdict(set)
        self._position: Position | None = None
        self._reading = asyncio.Lock()

    @asynccontextmanager
    async def following(self, driver: str) -> AsyncIterator[Line]:
        """A line that gets every event of `driver` that is readable from now on."""
        line = Line()
        self._lines[driver].add(line)
        try:
            async with self._reading:
                if self._position is None:
                    await self._begin()
            yield line
        finally:
            lines = self._lines[driver]
            lines.discard(line)
            if not lines:
                del self._lines[driver]

    async def step(self) -> None:
        """One poll; none when nobody follows."""
        async with self._reading:
            if not self._lines:
                self._position = None
            elif self._position is None:
                await self._begin()
            else:
                self._position = await self._read_on(self._position)

    async def _begin(self) -> None:
        async with self._database.transaction(readonly=True) as tx:
            now = await sql.now(tx)
        low = max(0, now["largest"] - BEHIND_MAX)
        self._position = Position(now["horizon"], low, now["following"], now["largest"])

    async def _read_on(self, position: Position) -> Position:
        async with self._database.transaction(readonly=True) as tx:
            now = await sql.now(tx)
            if now["horizon"] != position.horizon:
                for row in await sql.of_drivers(tx, position, now["horizon"], list(self._lines)):
                    told = told_of(tx, row)
                    for line in self._lines.get(row["driver"], ()):
                        line.add(told)
            return position.after(now)


def told_of(tx: Tx, row: Row) -> Told:
    """An event with its reservation as it is now, which may be further on."""
    place = row["written_by"], row["event"]
    data = dump(
        {
            "event": row["event"],
            "kind": row["event_kind"],
            "at": wire_time(row["at"]),
            "version": row["event_version"],
            "detail": row["event_detail"],
            "reservation": ReservationView.of(tx, row),
        }
    )
    return Told(place, encode_event(data=data, event="change", id=id_of(place)))


def id_of(place: tuple[int, int]) -> str:
    """As it stands in a stream."""
    return f"{place[0]}-{place[1]}"


def place_of(last_event_id: str | None) -> tuple[int, int] | None:
    """Where a reader left off; None for what is no id of ours."""
    transaction, _, number = (last_event_id or "").partition("-")
    if not (transaction.isdecimal() and number.isdecimal() and transaction.isascii() and number.isascii()):
        return None
    place = int(transaction), int(number)
    return place if max(place) < 2**63 else None
