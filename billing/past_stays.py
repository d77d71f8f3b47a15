"""Past stays of a car park as the engine prices them anew: with the earlier visits of the vehicle in the same time, and
with what was shown for each.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from billing.new_energy import is_new_energy
from billing.sql import tariffs as sql
from billing.tariffs.concession import Held
from billing.tariffs.dry_run import PastStay
from billing.tariffs.fee import Vehicle, Visit
from contracts.ids import CarParkId
from kernel.db import Row, Tx

PAST_STAYS_MAX: Final = 10_000
"""About a second of pricing; a month of a car park of a hundred spaces."""
LOOKED_BACK: Final = timedelta(days=7)
"""No rule of a tariff counts over more than a week of visits."""


async def past_stays(tx: Tx, car_park: str, zone: str, during: tuple[datetime, datetime]) -> Sequence[PastStay]:
    """Those that ended in that time and were charged, the last ones, one more than PAST_STAYS_MAX at most."""
    rows = await sql.past_stays(tx, CarParkId(car_park), zone, during, limit=PAST_STAYS_MAX + 1)
    visits: dict[tuple[str | None, str | None], list[Visit]] = defaultdict(list)
    for row in rows:
        if row["plate"] is not None:
            visits[row["plate"], row["color"]].append(Visit(row["entry_at"], row["exit_at"], row["amount"]))
    held: dict[str, list[Held]] = defaultdict(list)
    for one in await sql.shown_for(tx, [row["id"] for row in rows]):
        held[one["session"]].append(
            Held(
                concession=one["concession"],
                valid_from=one["valid_from"],
                valid_until=one["valid_until"],
                minutes=one["minutes"],
                amount=one["amount"],
            )
        )
    return [_past(row, visits[row["plate"], row["color"]], held[row["id"]]) for row in rows]


def _past(row: Row, visits: Sequence[Visit], held: Sequence[Held]) -> PastStay:
    entry: datetime = row["entry_at"]
    return PastStay(
        id=row["id"],
        entry=entry,
        exit=row["exit_at"] - timedelta(seconds=row["apart_s"]),
        charged=row["amount"],
        vehicle=Vehicle(class_=row["class"], new_energy=is_new_energy(row["color"])),
        earlier=[visit for visit in visits if entry - LOOKED_BACK <= visit.entry < entry],
        held=held,
    )
