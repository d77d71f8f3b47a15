"""`GET /v1/reservations/events`: a driver's own promises as they change."""

from typing import Final

from aiohttp import web

from kernel.answers import dump
from kernel.db import Database
from kernel.http import Caller, operation
from kernel.operations import EVENT_STREAM
from kernel.sse import EventStream, encode_event, sse
from reservation.http.feed import Feed, Line, Overrun, id_of, place_of, told_of
from reservation.http.reservations import READ
from reservation.http.views import ReservationView
from reservation.sql import events as sql

ACTIVE_MAX: Final = 500
"""Of one driver; a vehicle has one promise at a time, so this is weeks of a fleet."""
REPLAYED_MAX: Final = 500
"""Events a reader may have missed; more is a new picture."""
RESERVATIONS_MAX: Final = 5_000
"""The driver's latest, among which what was missed is looked for: whatever may still change is one of them."""

Place = tuple[int, int]


class FollowApi:
    """Streams of what the feed tells."""

    def __init__(self, db: Database, feed: Feed) -> None:
        self._db = db
        self._feed = feed

    @operation(
        get="/v1/reservations/events",
        summary="Follow my reservations",
        tags=("reservations",),
        scopes=READ,
        responses={200: EVENT_STREAM},
    )
    async def follow(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """First `snapshot`, `data` `{"items": [reservation]}` of all that stand: replace what you have. Then `change`
        with every step of any: `{"event", "kind", "at", "version", "detail", "reservation"}`, each once and in order.
        `reservation` is as it is when it is told, which may be further on than the event: keep the higher `version`.

        `kind` is `held confirmed extended checked_in overstaying completed expired cancelled no_show`, `waits_inside
        left_again space_substituted space_taken lock_failed`, and what else may come; an offer of the waiting list is
        `held` with the `detail` `{"cause": "waitlist"}`. With `Last-Event-ID` what was missed is told instead of the
        snapshot, unless that is too much.
        """
        driver = caller.id
        async with sse(request) as reader, self._feed.following(driver) as line:
            behind = await self._missed(reader, driver, place_of(reader.last_event_id))
            while True:
                told = await self._told(reader, line, behind)
                behind = await self._missed(reader, driver, None) if told is None else told
        return reader.response

    async def _missed(self, reader: EventStream, driver: str, behind: Place | None) -> Place:
        """Tell what was before; behind which place the line goes on."""
        raw: list[bytes] | None = None
        async with self._db.transaction(readonly=True) as tx:
            now = await sql.now(tx)
            horizon: int = now["horizon"]
            if behind is not None and behind[0] <= now["following"]:
                missed = await sql.missed(
                    tx, driver, behind, horizon, limit=REPLAYED_MAX + 1, reservations=RESERVATIONS_MAX
                )
                if len(missed) <= REPLAYED_MAX:
                    raw = [told_of(tx, row).raw for row in missed]
            if raw is None or behind is None:
                rows = await sql.active_of_driver(tx, driver, limit=ACTIVE_MAX)
                views = [ReservationView.of(tx, row) for row in rows]
                behind = (horizon, 0)
                raw = [encode_event(data=dump({"items": views}), event="snapshot", id=id_of(behind))]
        for event in raw:
            await reader.write(event)
        return max(behind, (horizon, 0))

    async def _told(self, reader: EventStream, line: Line, behind: Place) -> Place | None:
        """Tell what comes next; None when it was too much."""
        try:
            taken = await line.taken()
        except Overrun:
            return None
        for told in taken:
            if told.place > behind:
                await reader.write(told.raw)
                behind = told.place
        return behind
