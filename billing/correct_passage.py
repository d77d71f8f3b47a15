"""An operator says what a lane did not see, or saw wrongly: the passage is put right, and the sessions follow."""

from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from billing.bill_session import Till
from billing.errors import UnknownLane, UnknownPassage
from billing.follow_passages import Followed, follow_passages
from billing.sql import corrections
from billing.sql import passages as sql
from billing.sql.corrections import Correction
from kernel.db import Row, Tx

_VEHICLE: Final = ("plate", "color", "ticket")


class Seen(Struct, frozen=True, kw_only=True):
    """What really happened; None: as it was told. A vehicle is named whole: plate and colour, or ticket."""

    lane: str | None = None
    direction: str | None = None
    at: datetime | None = None
    plate: str | None = None
    color: str | None = None
    ticket: str | None = None
    vehicle_class: str | None = None

    @property
    def changed(self) -> dict[str, Any]:
        """The columns that are otherwise."""
        said = {"lane": self.lane, "direction": self.direction, "at": self.at, "class": self.vehicle_class}
        found: dict[str, Any] = {name: value for name, value in said.items() if value is not None}
        if self.plate is not None or self.ticket is not None:
            found |= {name: getattr(self, name) for name in _VEHICLE} | {"confidence": None}
        return found


async def add_passage(tx: Tx, till: Till, car_park: str, seen: Seen, *, reason: str) -> tuple[Row, Followed]:
    """That no lane told; `seen` says all of it. Raises UnknownLane."""
    await sql.lock_car_parks(tx, [car_park])
    told = {"car_park": car_park, **seen.changed}
    return await _put(tx, till, Correction(old=None, changed=told, made_by=till.actor, reason=reason))


async def replace_passage(
    tx: Tx, till: Till, car_park: str, passage: str, *, seen: Seen, reason: str
) -> tuple[Row, Followed]:
    """That was told wrongly, or put right wrongly. Raises UnknownPassage, UnknownLane."""
    old = await _standing(tx, car_park, passage)
    return await _put(tx, till, Correction(old=old, changed=seen.changed, made_by=till.actor, reason=reason))


async def void_passage(tx: Tx, till: Till, car_park: str, passage: str, *, reason: str) -> tuple[Row, Followed]:
    """That did not happen. Raises UnknownPassage."""
    old = await _standing(tx, car_park, passage)
    return await _put(tx, till, Correction(old=old, changed={}, made_by=till.actor, reason=reason, is_void=True))


async def _standing(tx: Tx, car_park: str, passage: str) -> Row:
    await sql.lock_car_parks(tx, [car_park])
    old = await corrections.standing(tx, car_park, passage)
    if old is None or old["is_void"]:
        raise UnknownPassage(car_park=car_park, passage=passage)
    return old


async def _put(tx: Tx, till: Till, correction: Correction) -> tuple[Row, Followed]:
    changed, old = correction.changed, correction.old
    car_park = changed["car_park"] if old is None else old["car_park"]
    if "lane" in changed and not await sql.has_lane(tx, car_park, changed["lane"]):
        raise UnknownLane(car_park=car_park, lane=changed["lane"])
    (new,) = await corrections.put_right(tx, [correction])
    rows = [new] if old is None else [old, new]
    return new, await follow_passages(tx, till, sql.asked_about(rows))
