"""Passages, as the gateway tells them in its own transaction: entries check in, exits end stays, barriers move.

The verb behind `contracts.facts.PassageHandler`. What is already locked is the row of each car park in the batch; then
come the promises of all its vehicles by their ids, then the days of their pools: nobody waits in a circle. Whatever is
wrong with a promise, the passage is recorded.
"""

from collections.abc import Sequence
from datetime import datetime

from contracts.facts import PassageSeen
from contracts.orders import GiveOrder
from kernel.db import Row, Tx
from reservation.arrive import REMEMBERED, Entry, arrive
from reservation.barrier import move_barriers
from reservation.leave import leave
from reservation.sql import arrivals as sql
from reservation.vehicles_seen import promises_of


async def honour_passages(tx: Tx, give_order: GiveOrder, passages: Sequence[PassageSeen]) -> None:
    """In the order in which they happened."""
    vehicles = sorted({(seen.car_park, seen.plate) for seen in passages if seen.plate is not None})
    locked = await sql.lock_of_vehicles(tx, vehicles) if vehicles else []
    rows = {row["id"]: row for row in locked}
    entries: list[Entry] = []
    left: dict[str, datetime] = {}
    for passage in sorted(passages, key=lambda seen: seen.at):
        own = promises_of(passage, rows.values())
        if passage.direction == "entry":
            entry = await arrive(tx, give_order, passage, own)
            entries.append(entry)
            moved = entry.moved
        else:
            moved = tuple(await leave(tx, passage, own))
            left.update((row["id"], passage.at) for row in own)
        rows.update((row["id"], row) for row in moved)
    for entry in await move_barriers(tx, give_order, entries):
        if entry.promise is None or not entry.waits:
            continue
        row = rows[entry.promise["id"]]
        if left.get(row["id"], entry.passage.at) <= entry.passage.at:
            rows[row["id"]] = await _wait_inside(tx, row, entry)


async def _wait_inside(tx: Tx, row: Row, entry: Entry) -> Row:
    """His promise will be taken up when its time has come, or he has confirmed it."""
    if row["inside_since"] is not None or tx.now - entry.passage.at > REMEMBERED:
        return row
    detail = {"passage": entry.passage.id, "why": entry.why}
    return await sql.set_inside(tx, row, entry.passage.at, "waits_inside", detail)
