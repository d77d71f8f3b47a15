"""What becomes of promises is told to the webhooks of their operators: events are read here, one job a delivery.

The events are read behind a cursor that is kept with what was made of them, in one transaction: each is told once to
each webhook that wanted it, whatever dies when, and no step of a promise waits for it. Any number of workers may call;
one at a time reads.
"""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from msgspec.structs import replace

from kernel.answers import dump
from kernel.db import Database, Row, Tx
from kernel.ids import new_id
from kernel.jobs import enqueue
from kernel.moments import wire_time
from reservation.sql import events, reservations
from reservation.sql import webhooks as sql
from reservation.time_meters import TimeMeters
from reservation.webhook import TRIED_FOR

JOB: Final = "reservation.webhook"
RELAY_S: Final = 0.5
EVENTS_MAX: Final = 1_000
"""Read in one transaction; more of one transaction are read together."""
READS_MAX: Final = 50
LOST_AFTER: Final = timedelta(minutes=10)
"""A delivery whose time was so long ago has lost its job."""
LOST_MAX: Final = 200
KEPT_FOR: Final = timedelta(days=30)
"""Deliveries that ended are shown for so long."""
FORGOTTEN_MAX: Final = 1_000

View = Callable[[Tx, Row], Any]
"""Of a reservation, as its operator sees it."""


async def relay(database: Database, view: View, meters: TimeMeters) -> None:
    """One turn: everything that can be read."""
    for _ in range(READS_MAX):
        async with database.transaction() as tx:
            read, is_more = await _read_on(tx, view)
        meters.steps(read)
        if not is_more:
            break
    async with database.transaction() as tx:
        for row in await sql.left_behind(tx, tx.now - LOST_AFTER, LOST_MAX):
            await enqueue_turn(tx, row["id"], row["turns"])
        await sql.forget(tx, KEPT_FOR, FORGOTTEN_MAX)


async def enqueue_turn(tx: Tx, delivery: str, turn: int, *, after: timedelta = timedelta(0)) -> None:
    """Have `delivery` tried; of several jobs for one turn, one does it."""
    await enqueue(tx, JOB, f"{delivery} {turn}".encode(), after=after)


async def _read_on(tx: Tx, view: View) -> tuple[Counter[str], bool]:
    """How many events of each kind were read, and whether there are more."""
    position = await sql.lock_reader(tx)
    if position is None:
        return Counter(), False
    now = await events.now(tx)
    if position.horizon == now["horizon"]:
        return Counter(), False
    following, limit = position.after(now), EVENTS_MAX
    rows = await events.of_all(tx, position, now["horizon"], limit=limit)
    while (is_more := len(rows) == limit) and rows[0]["written_by"] == rows[-1]["written_by"]:
        limit *= 2
        rows = await events.of_all(tx, position, now["horizon"], limit=limit)
    if is_more:  # the last transaction may go on behind the limit
        following = replace(position, horizon=rows[-1]["written_by"])
        rows = [row for row in rows if row["written_by"] < following.horizon]
    await _make_deliveries(tx, rows, view)
    await sql.move_reader(tx, following)
    return Counter(row["event_kind"] for row in rows), is_more


async def _make_deliveries(tx: Tx, rows: list[Row], view: View) -> None:
    hooks: dict[str, list[Row]] = {}
    for hook in await sql.wanted(tx, sorted({row["car_park"] for row in rows})) if rows else []:
        hooks.setdefault(hook["car_park"], []).append(hook)
    wanted = [(row, hook) for row in rows for hook in hooks.get(row["car_park"], []) if _hears(hook, row)]
    if not wanted:
        return
    kept = await reservations.read_all(tx, {row["reservation"] for row, _ in wanted})
    deliveries = [
        (
            new_id("whd", tx.now),
            hook["webhook"],
            row["event"],
            row["event_kind"],
            _body(row["event"], row["event_kind"], row["at"], row["event_detail"], view(tx, kept[row["reservation"]])),
        )
        for row, hook in wanted
    ]
    await sql.add_deliveries(tx, deliveries, tx.now + TRIED_FOR)
    for delivery, *_ in deliveries:
        await enqueue_turn(tx, delivery, 0)


def _hears(hook: Row, event: Row) -> bool:
    """It asked for this kind, or for all, and was there when it happened."""
    return event["at"] >= hook["created_at"] and (not hook["events"] or event["event_kind"] in hook["events"])


def _body(number: int, kind: str, at: datetime, detail: dict[str, Any], reservation: Any) -> bytes:
    """What is told; `reservation` is as it is when this is written, which may be further on."""
    return dump(
        {
            "type": f"reservation.{kind}",
            "timestamp": wire_time(at),
            "data": {"event": number, "kind": kind, "detail": detail, "reservation": reservation},
        }
    )
