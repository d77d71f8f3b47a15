"""The city in the memory of an API process: every card, and who changed since when.

Loaded from SQL at the start; fed by the public MQTT topics after that (`on_public`); read again from SQL whenever the
registry changed, every `RELOAD_S` and after the broker was away, so that nothing stays wrong. What changed goes to the
`Stream`, which live readers follow.

Invariant: the newest `version` wins, whatever the order of arrival; what SQL says wins over everything that was heard
before it was asked. Only the registry says who is there: an emptied public topic is no news.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import structlog
from pydantic import ValidationError

from contracts.availability import Availability
from contracts.ids import CarParkId
from contracts.wire import public_topic
from kernel.db import Database, Tx
from occupancy import sql
from occupancy.availability import availability_of, never_heard
from occupancy.card import Entry
from occupancy.fresh import FreshLook
from occupancy.quality import Quality
from occupancy.settings import OccupancySettings
from occupancy.sql.health import scores
from occupancy.stream import Stream

RELOAD_S: Final = 30.0

log = structlog.get_logger(__name__)


class Board:
    """All car parks of the city, by id."""

    def __init__(self, database: Database, settings: OccupancySettings) -> None:
        self.settings = settings
        self.entries: dict[CarParkId, Entry] = {}
        self.stream = Stream(database.clock.now())
        self.cards_version = 0
        """Grows with every change of the cards' static part."""
        self._database = database
        self._revision: object = None
        self._revisions: dict[CarParkId, str] = {}
        self._heard: set[CarParkId] = set()
        self._left: dict[CarParkId, set[str]] = {}
        self._reading = asyncio.Lock()
        self._loaded = False
        self._look_at_registry = FreshLook(self._read_what_changed, database.clock)

    @property
    def loaded(self) -> bool:
        """Whether it was ever read: before that it has nothing to say."""
        return self._loaded

    def on_public(self, topic: str, payload: bytes) -> None:
        """A message of a public topic, which says whose it is. What cannot be read is left to the next reload."""
        if not payload:
            return
        try:
            availability = Availability.model_validate_json(payload)
        except ValidationError as error:
            log.warning("public message not read", errors=error.error_count())
            return
        if topic != public_topic(availability.car_park):
            log.warning("public message of another car park", topic=topic)
            return
        entry = self.entries.get(CarParkId(availability.car_park))
        if entry is not None and availability.version > entry.availability.version:
            self._heard.add(entry.id)
            self._show(entry, availability)

    def has_left(self, car_park: CarParkId, districts: frozenset[str]) -> bool:
        """Whether one who follows `districts` (none: the city) may still show `car_park`, which is not there (now)."""
        return not districts or not districts.isdisjoint(self._left.get(car_park, ()))

    async def load(self) -> None:
        """Read everything: at the start, now and then, and after the broker was away."""
        async with self._reading, self._database.transaction(readonly=True) as tx:
            await self._read_cards(tx)
            await self._read_states(tx, None)
            self._take_scores(await scores(tx, None))
            self._loaded = True

    async def catch_up(self) -> None:
        """Before a read that must see the caller's own write: what changed in the registry since the last look.

        What the clock made stale is so as well. With the database away, or hanging, the board answers as it is.
        Raises DatabaseAway when it never was there.
        """
        if self._loaded:
            await self._look_at_registry()
        else:
            await self.load()
        self._let_age()

    def flush(self) -> None:
        """Let the clock turn stale what it must, and give what changed to the readers of the stream."""
        self._let_age()
        self.stream.flush()

    def _let_age(self) -> None:
        now = self._database.clock.now()
        for entry in self.entries.values():
            if entry.look(now, self.settings.stale_after):
                self.stream.changed(entry.id)

    async def _read_what_changed(self) -> None:
        async with self._database.transaction(readonly=True) as tx:
            if await sql.registry_revision(tx) != self._revision:
                async with self._reading:
                    await self._read_states(tx, await self._read_cards(tx))

    async def _read_cards(self, tx: Tx) -> Sequence[CarParkId]:
        """Take over what changed in the registry; the ids that are new or changed."""
        revision = await sql.registry_revision(tx)
        if revision == self._revision:
            return ()
        now = await sql.car_park_revisions(tx)
        fresh = sorted(car_park for car_park, known in now.items() if self._revisions.get(car_park) != known)
        for row in await sql.place_rows(tx, fresh):
            known = self.entries.get(CarParkId(row["id"]))
            shown = (
                never_heard(row["id"], capacity=row["capacity"], closed=False) if known is None else known.availability
            )
            entry = Entry(row, shown, self.settings.stale_after)
            if known is not None:
                entry.quality = known.quality
            if known is not None and known.district_key != entry.district_key:
                self._left.setdefault(entry.id, set()).add(known.district_key)
            self.entries[entry.id] = entry
            self.stream.changed(entry.id)
        for car_park in self.entries.keys() - now.keys():
            gone = self.entries.pop(car_park)
            self._left.setdefault(car_park, set()).add(gone.district_key)
            self.stream.changed(car_park)
        self._revisions, self._revision = now, revision
        self.cards_version += 1
        return fresh

    async def _read_states(self, tx: Tx, car_parks: Sequence[CarParkId] | None) -> None:
        """Take over what SQL says of `car_parks` (None: of all), but for what is heard meanwhile."""
        if car_parks is not None and not car_parks:
            return
        self._heard.clear()
        standings = {standing.car_park: standing for standing in await sql.standings_now(tx, car_parks)}
        for entry in self._of(car_parks):
            standing = standings.get(entry.id)
            if standing is None or standing.version == 0:
                closed = entry.opening.is_closed(tx.now)
                told = never_heard(entry.id, capacity=entry.capacity, closed=closed)
            else:
                told = availability_of(standing, tx.now)
            if entry.id not in self._heard or told.version > entry.availability.version:
                self._show(entry, told)

    def _take_scores(self, given: Mapping[CarParkId, Quality]) -> None:
        for entry in self.entries.values():
            entry.quality = given.get(entry.id)

    def _of(self, car_parks: Iterable[CarParkId] | None) -> Iterable[Entry]:
        if car_parks is None:
            return self.entries.values()
        return [entry for car_park in car_parks if (entry := self.entries.get(car_park)) is not None]

    def _show(self, entry: Entry, availability: Availability) -> None:
        stale_after = self.settings.stale_after
        seen = availability.seen_at(self._database.clock.now(), stale_after=stale_after)
        if not entry.shows(seen):
            entry.take(seen, stale_after)
            self.stream.changed(entry.id)
