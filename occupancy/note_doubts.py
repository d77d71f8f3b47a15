"""Who of a batch begins to flap, flaps on or breaks a silence, in the transaction that records it.

A batch of spaces that nobody doubts and that do not flap costs no statement here.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from contracts.ids import CarParkId
from kernel.db import Tx
from occupancy.compare import Moved
from occupancy.doubt import FLAPPING, Doubts, Flapping
from occupancy.sql import doubts as sql
from occupancy.standing import Standing
from occupancy.timeline import SpaceMoved

FLAPPING_SHARE_MAX: Final = 0.05
FLAPPING_MIN: Final = 2
"""When more of a car park flaps at once, it is no fault of sensors, and nothing is held."""


async def read_doubts(tx: Tx, standings: Mapping[CarParkId, Standing]) -> Doubts:
    """The doubted spaces of these locked car parks."""
    doubted = [car_park for car_park, standing in standings.items() if standing.doubted]
    found = Doubts()
    for row in await sql.doubts_of(tx, doubted) if doubted else ():
        found.shown[row["space"]] = row["shown"]
        if row["kind"] == FLAPPING:
            found.flapping.add(row["space"])
    return found


async def note_doubts(
    tx: Tx,
    standings: Mapping[CarParkId, Standing],
    moved: Moved,
    doubts: Doubts,
    *,
    flapping: Sequence[Flapping],
    zone_of: Mapping[int, str],
) -> None:
    """Store who is in doubt now; what is told of a space that begins to flap goes back to what held before."""
    begun = _bounded([one for one in flapping if one.space not in doubts.flapping], standings)
    for one in begun:
        fact = moved.spaces[one.space]
        back = SpaceMoved(fact.at, fact.state, one.stable, zone_of.get(one.space, ""))
        moved.changes[one.car_park].append(back)
    if doubts.spoke:
        await sql.end_doubts(tx, doubts.spoke)
    if begun:
        await sql.insert_flapping(tx, begun)
    if doubts.flapping:
        await sql.note_flips(tx, {fact.space for fact in moved.flipped if fact.space in doubts.flapping})
    touched = {one.car_park for one in begun}
    touched |= {moved.spaces[space].car_park for space in doubts.spoke}
    for car_park, doubted in (await sql.count_doubts(tx, touched)).items() if touched else ():
        standings[car_park].doubted = doubted


def _bounded(begun: Sequence[Flapping], standings: Mapping[CarParkId, Standing]) -> list[Flapping]:
    room: dict[CarParkId, int] = {}
    held: list[Flapping] = []
    for one in begun:
        standing = standings[one.car_park]
        most = max(FLAPPING_MIN, int(FLAPPING_SHARE_MAX * standing.capacity))
        left = room.setdefault(one.car_park, most - standing.doubted)
        if left > 0:
            room[one.car_park] = left - 1
            held.append(one)
    return held
