"""The static half of an import: the sites of a feed become car parks, new, changed or left as they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from contracts.ids import CarParkId, OperatorId
from kernel.callers import Caller
from kernel.db import Row, Tx
from registry.catalogue import CarPark, Name
from registry.errors import REFUSALS, CapacityExceeded
from registry.feeds.records import Accepted, Feed, Refused, Site
from registry.feeds.slugs import hashed_slug, is_own_slug, prefixed_slug
from registry.register import Surroundings, existing_parts
from registry.sql import audit, car_parks
from registry.wanted import check_capacity

Outcome = Literal["created", "changed", "unchanged", "live"]
"""What became of a record's car park; `live` = only its numbers were taken."""

OWN_FORMATS = frozenset({"geojson", "csv", "parkapi", "parkapi-lots"})
"""Formats that people write for us, whose ids are kept when they are slugs; other feeds' ids get a prefix."""


@dataclass(frozen=True, slots=True)
class Known:
    """A car park that a feed's id stands for."""

    car_park: CarParkId
    capacity: int
    outcome: Outcome


@dataclass(slots=True)
class Imported:
    """What the sites of a feed became; `known` by the feed's own ids."""

    operator: OperatorId
    known: dict[str, Known] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)


async def import_sites(tx: Tx, city: Surroundings, caller: Caller, feed: Feed, operator: OperatorId) -> Imported:
    """Store the sites of `feed` as car parks of `operator` ; refuse those that cannot be."""
    accepted = [record for record in feed.records if isinstance(record, Accepted)]
    imported = Imported(operator)
    for row in await car_parks.find_by_uids(tx, operator, [record.uid for record in accepted]):
        imported.known[row["uid"]] = Known(CarParkId(row["id"]), row["capacity"], "live")
    sites = [(record.index, record.site) for record in accepted if record.site is not None]
    ids = _ids_of(feed, operator, sites, imported.known)
    rows = await car_parks.lock_car_parks(tx, sorted(ids.values()))
    for index, site in sites:
        car_park = ids[site.uid]
        place = _Place(feed, operator, car_park, rows.get(car_park))
        known = await _import_site(tx, city, caller, place, site)
        if isinstance(known, Known):
            imported.known[site.uid] = known
        else:
            imported.refused.append(Refused(index, site.uid, known.field, known.reason, known.detail))
    if any(known.outcome in ("created", "changed") for known in imported.known.values()):
        await audit.bump_revision(tx)
    return imported


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a site goes: its car park, and the row that is there already."""

    feed: Feed
    operator: OperatorId
    car_park: CarParkId
    row: Row | None


def _ids_of(
    feed: Feed, operator: OperatorId, sites: Sequence[tuple[int, Site]], known: Mapping[str, Known]
) -> dict[str, CarParkId]:
    """The car park id of every site: the one it had before, or a slug that no other site of the feed has."""
    ids = {uid: place.car_park for uid, place in known.items()}
    taken = set(ids.values())
    for keeps_own in (True, False):
        for _, site in sites:
            own = feed.format in OWN_FORMATS and is_own_slug(site.uid)
            if site.uid in ids or own != keeps_own:
                continue
            slug = CarParkId(site.uid if own else prefixed_slug(operator, site.uid))
            if slug in taken:
                slug = CarParkId(hashed_slug(operator, site.uid))
            ids[site.uid] = slug
            taken.add(slug)
    return {site.uid: ids[site.uid] for _, site in sites}


async def _import_site(tx: Tx, city: Surroundings, caller: Caller, place: _Place, site: Site) -> Known | Refused:
    row = place.row
    if row is not None and row["operator"] != place.operator:
        return Refused(-1, site.uid, "id", "id_taken", f"{place.car_park} belongs to another operator")
    in_use = row is not None and not row["retired"]
    before = car_parks.read_car_park(row) if row is not None and in_use else None
    after = _car_park(city, place, site, before)
    if before == after:
        return Known(place.car_park, after.capacity, "unchanged")
    if before is not None and after.capacity < before.capacity:
        try:
            check_capacity(after.capacity, after.reservable, await existing_parts(tx, place.car_park))
        except CapacityExceeded as exceeded:
            return Refused(-1, site.uid, "capacity", "capacity_exceeded", exceeded.detail)
    known = Known(place.car_park, after.capacity, "created" if before is None else "changed")
    with tx.guard(REFUSALS, car_park=place.car_park):
        await (car_parks.insert_car_park if row is None else car_parks.update_car_park)(tx, after)
    await audit.record(
        tx,
        actor=caller.principal,
        operator=place.operator,
        action="car_park.create" if before is None else "car_park.change",
        subject=f"car-park/{place.car_park}",
        detail={"feed": place.feed.format, "uid": site.uid},
    )
    return known


def _car_park(city: Surroundings, place: _Place, site: Site, before: CarPark | None) -> CarPark:
    """What the feed says, over what was known; a detail that the feed does not give stays."""
    blank = CarPark(
        id=place.car_park,
        operator=place.operator,
        name=Name(site.name_zh, site.name_en),
        lat=site.lat,
        lon=site.lon,
        capacity=site.capacity,
        time_zone=city.time_zone,
    )
    was = before or blank
    return replace(
        was,
        name=blank.name,
        lat=site.lat,
        lon=site.lon,
        capacity=site.capacity,
        time_zone=city.time_zone,
        district=city.districts.at(site.lat, site.lon),
        kind=site.kind or was.kind,
        address=site.address or was.address,
        opening_hours=site.opening_hours or was.opening_hours,
        height_cm=site.height_cm or was.height_cm,
        source={"uid": site.uid, "format": place.feed.format} | ({} if site.url is None else {"url": site.url}),
    )
