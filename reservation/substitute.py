"""The promised space is taken: the nearest equal one stands in for it, at the same price, and its driver is told.

Nobody is evicted. Where no equal space is free, the driver may cancel free of charge from then on; one who arrives
nevertheless is looked for again, and then let off.
"""

from datetime import datetime
from enum import StrEnum
from typing import Final

from msgspec.structs import replace as but

from contracts.ids import CarParkId
from kernel.db import Row, Tx
from reservation.claim import guarded
from reservation.errors import NoSpaceLeft
from reservation.lifecycle import Promise, cancelled
from reservation.promote import offer_freed
from reservation.sql import reservations
from reservation.sql import substitutes as sql
from reservation.steps import stepped, write

TRIES: Final = 3
"""Each is lost only to a promise that was made of the same space at the same moment."""


class Hindrance(StrEnum):
    """Who or what is on the space."""

    GUEST = "guest"
    """The one before, within his time."""
    OVERSTAYER = "overstayer"
    OCCUPIED = "occupied"
    """By a vehicle that has no promise of it."""
    OUT_OF_SERVICE = "out_of_service"


async def hindrance_of(tx: Tx, row: Row, arrived_at: datetime | None) -> Hindrance | None:
    """What keeps the guest of the numbered promise in `row` off its space. A vehicle that came onto it since
    `arrived_at` is the guest's own.
    """
    seen = await sql.stands_there(tx, row["space"], besides=row["id"])
    if seen["guest_until"] is not None:
        return Hindrance.GUEST if seen["guest_until"] > tx.now else Hindrance.OVERSTAYER
    if seen["state"] == "out_of_service":
        return Hindrance.OUT_OF_SERVICE
    if seen["state"] == "occupied" and (arrived_at is None or seen["at"] < arrived_at):
        return Hindrance.OCCUPIED
    return None


async def substitute_space(tx: Tx, row: Row, cause: Hindrance) -> Row | None:
    """The promise in `row`, which is locked, with another space of the same car park; None: there is none."""
    for _ in range(TRIES):
        other = await sql.equal_space(tx, row)
        if other is None:
            return None
        try:
            async with tx.savepoint():
                with guarded(tx, CarParkId(row["car_park"])):
                    detail = {"space_was": row["space_label"], "space": other["label"], "cause": cause}
                    return await sql.substitute(tx, row, other, detail)
        except NoSpaceLeft:
            continue
    return None


async def substitute_ahead(tx: Tx, row: Row) -> Row:
    """Before the guest of the locked promise in `row` comes; where no other space is found he is told, once."""
    cause = await hindrance_of(tx, row, None)
    if cause is None or cause is Hindrance.GUEST:
        return row
    moved = await substitute_space(tx, row, cause)
    if moved is not None or row["space_taken_at"] is not None:
        return moved or row
    free = but(reservations.terms_of(row), cancel_fee_bp=0, no_show_fee_bp=0)
    return await sql.set_taken(tx, row, free, {"space": row["space_label"], "cause": cause})


async def let_off(tx: Tx, row: Row, promise: Promise) -> Row:
    """The guest is there and no equal space is: the promise ends and costs nothing."""
    after = stepped(row, cancelled, promise, tx.now, fee=0)
    moved = await write(tx, row, after, "cancelled", cause="space_taken", space=row["space_label"])
    await offer_freed(tx, [CarParkId(row["car_park"])], (row["begins"], row["until"]))
    return moved
