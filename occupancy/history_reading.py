"""Reading a car park's past back: as it came, or in steps with metrics."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from contracts.ids import CarParkId
from kernel.db import Row, Tx
from occupancy.metrics import Integral, Knowledge, Level, Metrics, Step, metrics_of
from occupancy.sql import reading as sql


class Window(Struct, frozen=True):
    """Whose past, and which part of it: [begin, end)."""

    car_park: CarParkId
    begin: datetime
    end: datetime


async def read_steps(
    tx: Tx, window: Window, cuts: Sequence[tuple[datetime, datetime]], *, gap: timedelta, live_share_min: float
) -> list[Metrics]:
    """The metrics of the steps `cuts` of `window` that have begun by now.

    A silent counter is believed for `gap`; a source live for less than `live_share_min` of a step was offline in it.
    """
    steps = [Step(begin, end) for begin, end in cuts if begin < tx.now]
    if not steps:
        return []
    begin, end = steps[0].begin, steps[-1].end
    heard = await sql.last_heard(tx, window.car_park)
    if heard is None or heard["as_of"] is None:
        return [metrics_of(step, tx.now, live_share_min=live_share_min) for step in steps]
    before = await sql.sample_before(tx, window.car_park, begin)
    back_at = heard["online_at"] if heard["online"] else None
    offline = _offline(await sql.online_events(tx, window.car_park, begin, end), back_at or end)
    integral = Integral(steps, Knowledge(heard["as_of"], gap, offline), min(tx.now, end))
    if before is not None:
        integral.take(_level(before))
    async for row in sql.samples_within(tx, window.car_park, begin, end):
        integral.take(_level(row))
    integral.finish()
    return [metrics_of(step, tx.now, live_share_min=live_share_min) for step in steps]


def _level(row: Row) -> Level:
    return Level(row["at"], row["occupied"], row["capacity"], row["out_of_service"], row["source"] == "counts")


def _offline(words: Sequence[Row], end: datetime) -> list[tuple[datetime, datetime]]:
    """When the gateway was offline by its own word, until it came back; for the last time at `end`."""
    intervals: list[tuple[datetime, datetime]] = []
    since: datetime | None = None
    for word in words:
        if not word["online"] and since is None:
            since = word["at"]
        elif word["online"] and since is not None:
            intervals.append((since, word["at"]))
            since = None
    if since is not None:
        intervals.append((since, end))
    return intervals
