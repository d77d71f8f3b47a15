"""A pass is shown at a car park: the guest is checked in, or out, as his plate would have done it."""

from enum import StrEnum

from msgspec import Struct

from contracts.audit import RecordAudit
from contracts.ids import CarParkId, LaneLabel
from contracts.orders import GiveOrder, OrderKind, WantedOrder
from kernel.callers import Caller
from kernel.db import Row, Tx
from reservation.check_in import NotYet, check_in
from reservation.errors import UnknownReservation
from reservation.leave import complete
from reservation.passes import verify_pass
from reservation.signing import SigningKey
from reservation.sql import operators, reservations


class Direction(StrEnum):
    """Which way he goes."""

    ENTRY = "entry"
    EXIT = "exit"


class Scanned(Struct, frozen=True):
    """The promise after it; `outcome` is `checked_in`, `left`, or why he is not in."""

    row: Row
    outcome: str


async def scan_pass(
    tx: Tx,
    key: SigningKey,
    give_order: GiveOrder,
    record_audit: RecordAudit,
    caller: Caller,
    *,
    token: str,
    direction: Direction,
    lane: LaneLabel | None,
) -> Scanned:
    """Check in or out; with a `lane`, its barrier opens for who may pass. Every scan that changes something is audited.

    Raises PassRefused, UnknownReservation (it is of another operator's car park), WrongState, UnknownLane.
    """
    shown = verify_pass(key, token, tx.now)
    own = await operators.own_reservation(tx, shown.sub, caller)
    row = None if own is None else await reservations.lock(tx, shown.sub, driver=None)
    if own is None or row is None:
        raise UnknownReservation(reservation=shown.sub)
    if direction is Direction.EXIT:
        scanned = Scanned(await complete(tx, row, left_at=tx.now, by=shown.jti), "left")
    else:
        done = await check_in(tx, give_order, row, arrived_at=tx.now, passage=shown.jti)
        scanned = Scanned(done.row, done.why or "checked_in")
        if done.why not in (None, NotYet.SPACE_TAKEN):
            return scanned
    if lane is not None and scanned.outcome != NotYet.SPACE_TAKEN:
        wanted = WantedOrder(
            car_park=CarParkId(row["car_park"]),
            kind=OrderKind.OPEN_BARRIER,
            cause=f"pass:{shown.jti}:{direction}",
            reason="reservation_pass",
            actor=caller.principal,
            lane=lane,
        )
        await give_order(tx, wanted)
    await record_audit(
        tx,
        actor=caller.principal,
        operator=own["operator"],
        action="pass.scan",
        subject=f"reservation/{row['id']}",
        detail={"car_park": row["car_park"], "outcome": scanned.outcome, "lane": lane},
    )
    return scanned
