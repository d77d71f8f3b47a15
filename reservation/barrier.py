"""The barrier, by what is promised: open to guests, shut to walk-ins as soon as what is free is promised.

Nothing is ordered for a walk-in where there is room, where nothing is promised, or where nobody knows what is free: the
car park lets in whom it lets in.
"""

from collections.abc import Sequence
from typing import Final

from contracts.lane_orders import is_live
from contracts.orders import TTL, GiveOrder, OrderKind
from kernel.db import Tx
from reservation.arrive import Entry
from reservation.check_in import NotYet
from reservation.lane_orders import open_barrier, refuse_entry, show
from reservation.sql import arrivals as sql

TEXTS: Final = {
    NotYet.NOT_CONFIRMED: "请先确认预约 Please confirm your reservation",
    NotYet.TOO_EARLY: "早于预约时间 You are early for your reservation",
    NotYet.NO_ROOM: "预约车位尚未空出 Your space is not free yet",
    NotYet.SPACE_TAKEN: "预约车位被占，已免费取消 Space taken, cancelled free",
}
KEPT: Final = "余位已被预约 All free spaces are reserved"
PROMISED: Final = "spaces_promised"


async def move_barriers(tx: Tx, give_order: GiveOrder, entries: Sequence[Entry]) -> list[Entry]:
    """Give the orders of `entries`, in order; those whom the barrier did not refuse.

    Guests must be checked in already: what is due afterwards is promised to others.
    """
    live = [entry for entry in entries if is_live(entry.passage, tx.now)]
    for entry in live:
        if entry.is_guest and not _is_open_already(entry):
            await open_barrier(tx, give_order, entry.passage, reason="reservation")
            if entry.promise is not None and entry.promise["space_label"] is not None:
                label = entry.promise["space_label"]
                await show(tx, give_order, entry.passage, f"请停 {label} Park at {label}", reason="reservation")
    refused: set[int] = set()
    others = [entry for entry in live if not entry.is_guest]
    rooms = await sql.rooms(tx, sorted({entry.passage.car_park for entry in others})) if others else {}
    for car_park, room in rooms.items():
        refused |= await _turn_away(tx, give_order, [e for e in live if e.passage.car_park == car_park], room)
    return [entry for entry in entries if id(entry) not in refused]


def _is_open_already(entry: Entry) -> bool:
    """A second reading of a vehicle that is being let in: whoever follows it closely is not."""
    row = entry.promise
    if row is None or row["passage"] == entry.passage.id:
        return False
    return bool(entry.passage.at - row["checked_in_at"] <= TTL[OrderKind.OPEN_BARRIER])


async def _turn_away(tx: Tx, give_order: GiveOrder, entries: Sequence[Entry], room: sql.Room) -> set[int]:
    """Of one car park. Where its lanes are what counts, `free` is without these vehicles already; where its sensors
    are, guests are `arriving`.
    """
    guests = sum(entry.is_guest for entry in entries)
    taken = {"passages": guests - len(entries), "spaces": room.arriving}.get(room.source or "", guests)
    left = None if room.free is None else room.free - taken
    due = room.due
    refused: set[int] = set()
    for entry in entries:
        if entry.is_guest:
            continue
        due_to_others = due - entry.is_due(tx.now)
        if left is not None and due_to_others > 0 and left <= due_to_others:
            refused.add(id(entry))
            await refuse_entry(tx, give_order, entry.passage, reason=PROMISED)
            await show(tx, give_order, entry.passage, KEPT if entry.why is None else TEXTS[entry.why], reason=PROMISED)
            continue
        left, due = (None if left is None else left - 1), due_to_others
        if entry.why is not None and (entry.why is not NotYet.TOO_EARLY or entry.is_due(tx.now)):
            await show(tx, give_order, entry.passage, TEXTS[entry.why], reason=entry.why)
    return refused
