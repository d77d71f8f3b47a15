"""Import a feed: `berth import FILE` and `POST /v1/operator/import`.

Two transactions: the car parks first, then the live values, so that whoever records them finds the car parks there, and
so that sites that cannot be stored never hold up numbers of those that are known. Importing again changes nothing.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from zoneinfo import ZoneInfo

from contracts.facts import CountSeen, RecordFacts
from contracts.ids import CarParkId, OperatorId
from kernel.callers import OPERATOR_SCOPES, Caller
from kernel.db import Database, Tx
from registry.access import chosen_operator
from registry.districts import load_districts
from registry.feeds.read_feed import read_feed
from registry.feeds.records import Accepted, Feed, FeedOptions, FormatName, Refused
from registry.feeds.slugs import operator_slug
from registry.import_readings import import_readings
from registry.import_sites import Imported, Outcome, import_sites
from registry.register import Surroundings
from registry.settings import RegistrySettings

COMMAND_LINE = Caller(kind="operator", id="import", scopes=OPERATOR_SCOPES, operators=None)
"""Whoever may run `berth import` may write the database anyway."""


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What the importer says; without an `operator` it is the feed's publisher. `epsg` is of undeclared metres."""

    operator: str | None = None
    time_zone: str | None = None
    epsg: int | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class AcceptedRecord:
    """A record that was taken: the feed's id, our car park, what became of it, and whether its numbers were taken."""

    index: int
    id: str
    car_park: CarParkId
    outcome: Outcome
    live: bool


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What became of a feed. `format` None = it is nothing that is known, and `rejected` says so."""

    format: FormatName | None
    operator: OperatorId | None
    accepted: Sequence[AcceptedRecord]
    rejected: Sequence[Refused]
    counts: Sequence[CountSeen]


class _Undo(Exception):
    """A dry run rolls back what it did."""


async def import_feed(
    db: Database,
    city: Surroundings,
    caller: Caller,
    content: bytes,
    *,
    options: ImportOptions,
    on_counts: RecordFacts | None = None,
) -> ImportResult:
    """Store what is in `content`; `on_counts` records its live values.

    Raises UnknownOperator, MalformedBody (whose are they?), nothing because of what is in the feed.
    """
    place = city if options.time_zone is None else replace(city, time_zone=options.time_zone)
    feed = await asyncio.to_thread(read_feed, content, FeedOptions(ZoneInfo(place.time_zone), options.epsg))
    if feed.format is None:
        return ImportResult(None, None, (), [record for record in feed.records if isinstance(record, Refused)], ())
    imported: Imported | None = None
    with suppress(_Undo):
        async with db.transaction() as tx:
            operator = await _operator(tx, caller, feed, options)
            imported = await import_sites(tx, place, caller, feed, operator)
            if options.dry_run:
                raise _Undo
    assert imported is not None  # noqa: S101  # only _Undo is suppressed, and it comes after
    async with db.transaction() as tx:
        readings = await import_readings(tx, caller, feed, imported, on_counts=on_counts, write=not options.dry_run)
    counted = {count.car_park for count in readings.counts}
    accepted: dict[str, AcceptedRecord] = {}
    for record in feed.records:
        known = imported.known.get(record.uid) if isinstance(record, Accepted) else None
        if isinstance(record, Accepted) and known is not None and record.uid not in accepted:
            live = known.car_park in counted
            if known.outcome != "live" or live:
                accepted[record.uid] = AcceptedRecord(record.index, record.uid, known.car_park, known.outcome, live)
    rejected = [record for record in feed.records if isinstance(record, Refused)]
    rejected += [*imported.refused, *readings.refused]
    rejected.sort(key=lambda refused: refused.index)
    return ImportResult(feed.format, imported.operator, list(accepted.values()), rejected, readings.counts)


async def import_file(
    db: Database,
    path: Path,
    settings: RegistrySettings,
    options: ImportOptions,
    *,
    on_counts: RecordFacts | None = None,
) -> ImportResult:
    """Import a file as whoever runs the command line. Raises OSError, BadDistricts, UnknownOperator."""
    size = (await asyncio.to_thread(path.stat)).st_size
    if size > settings.feed_bytes_max:
        detail = f"{size} bytes are more than the {settings.feed_bytes_max} that are read (registry.feed_bytes_max)"
        return ImportResult(None, None, (), [Refused(-1, None, "", "too_large", detail)], ())
    content = await asyncio.to_thread(path.read_bytes)
    city = Surroundings(load_districts(settings.districts_file), settings.time_zone)
    return await import_feed(db, city, COMMAND_LINE, content, options=options, on_counts=on_counts)


async def _operator(tx: Tx, caller: Caller, feed: Feed, options: ImportOptions) -> OperatorId:
    """Whose car parks the feed's are: as said, the caller's own, or the publisher's."""
    named = options.operator
    if named is None and caller.operators is None:
        named = operator_slug(feed.operator or "imported")
    return await chosen_operator(tx, caller, named)
