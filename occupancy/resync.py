"""Snapshots: whoever lost something on the way to us is ordered to tell everything again, once, and until it did.

`heed_gaps` asks for one in the transaction that shows a loss; a broker that forgot our session or a car park that came
back asks for more. Here, once a second, the grace is waited for (late words may close the gap by themselves, and a
device that comes back tells everything anyway), orders are given within a budget, and what was told is looked at. Done
is a car park that acknowledged the order or of which nearly all was heard, with every gap covered by a newer word.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from contracts.ids import CarParkId, OperatorId
from contracts.orders import GiveOrder, OrderClosed, OrderKind, OrderState, WantedOrder
from kernel.db import Row, Tx
from occupancy.settings import OccupancySettings
from occupancy.sql import gaps as gaps_sql
from occupancy.sql import resync as sql

LOOKED_AT_MAX: Final = 100
"""Car parks a turn: with the budget of spaces a turn stays well under a second."""
OFFLINE_AGAIN: Final = timedelta(seconds=60)
"""Nobody obeys while offline; when one comes back it is asked at once."""


class Turn(Struct):
    """What one turn did."""

    ordered: int = 0
    done: int = 0


async def look_after_snapshots(
    tx: Tx, settings: OccupancySettings, give_order: GiveOrder, operators: Sequence[OperatorId] | None
) -> Turn:
    """One turn: close what was made good, order what is due of these `operators`' car parks (None: everyone's)."""
    await gaps_sql.heal_by_order(tx)
    rows = await sql.due(tx, LOOKED_AT_MAX, operators)
    heard = await sql.heard_since(tx, {CarParkId(row["car_park"]): _since(row) for row in rows}) if rows else {}
    turn = Turn()
    budget = settings.snapshot_spaces_per_s
    for row in rows:
        car_park = CarParkId(row["car_park"])
        how = _done(row, *heard.get(car_park, (0, 0)), settings=settings, now=tx.now)
        if how is not None:
            turn.done += 1
            await sql.note_done(tx, car_park, how)
            if how in ("told", "unanswered"):
                await gaps_sql.close_gaps(tx, car_park, "snapshot" if how == "told" else how, row["wanted_at"])
        elif row["due_at"] > tx.now:
            await sql.put_off(tx, car_park, row["due_at"])  # it answered and yet a gap is open: asked again when due
        elif row["online"] is False:
            await sql.put_off(tx, car_park, tx.now + OFFLINE_AGAIN)
        elif budget > 0:
            budget -= max(1, row["spaces"])
            turn.ordered += 1
            await _order(tx, settings, give_order, row)
    return turn


async def hear_of_order(tx: Tx, closed: OrderClosed) -> None:
    """`contracts.orders.OrderHandler`: a car park says that it told everything again."""
    if closed.kind is OrderKind.RESEND_SNAPSHOT and closed.state is OrderState.DONE:
        await sql.note_acknowledged(tx, closed.car_park, closed.order, tx.now)


async def everyone_reachable(tx: Tx, operators: Sequence[OperatorId]) -> Mapping[CarParkId, datetime]:
    """Everyone of `operators` whom an order may reach, for `heed_gaps.want_snapshots`: all may have lost words now."""
    return dict.fromkeys(await sql.reachable(tx, operators), tx.now)


def _since(row: Row) -> datetime:
    """Since when its words count: since the order, where that came after the loss."""
    moments: list[datetime] = [row["wanted_at"], row["ordered_at"] or row["wanted_at"]]
    return max(moments)


def _done(row: Row, heard: int, told: int, *, settings: OccupancySettings, now: datetime) -> str | None:
    """How its loss was made good, or that it was asked in vain; None while it is to be waited for or asked."""
    ordered = row["ordered_at"] is not None and row["ordered_at"] >= row["wanted_at"]
    if row["cause"] == "gap" and not row["gaps"] and not ordered:
        return "late"
    if told and heard >= settings.known_share_min * told and not (ordered and row["gaps"]):
        return "told"
    if ordered and not row["gaps"] and row["acknowledged_at"] is not None:
        return "acknowledged"
    due = row["due_at"] <= now and ordered
    return "unanswered" if due and row["attempts"] >= settings.snapshot_attempts_max else None


async def _order(tx: Tx, settings: OccupancySettings, give_order: GiveOrder, row: Row) -> None:
    car_park = CarParkId(row["car_park"])
    cause = f"resync:{row['wanted_at'].isoformat()}:{row['attempts'] + 1}"
    order = await give_order(
        tx,
        WantedOrder(
            car_park=car_park,
            kind=OrderKind.RESEND_SNAPSHOT,
            cause=cause,
            reason=f"lost_{row['cause']}",
            actor="occupancy",
        ),
    )
    wait_s = min(settings.snapshot_retry_s * 2 ** min(row["attempts"], 30), settings.snapshot_retry_s_max)
    await sql.note_given(tx, car_park, order, tx.now + timedelta(seconds=wait_s))
