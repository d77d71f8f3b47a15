"""Put the tariffs of a generated city in force, as `berth up --demo` does with the city itself."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Final

from msgspec import Struct

from billing.city_tariffs import city_tariff
from billing.sql import tariffs as sql
from billing.tariffs.tariff import read_tariff
from contracts.ids import CarParkId
from kernel.db import Tx
from kernel.ids import new_id

IN_FORCE_FOR: Final = timedelta(days=31)
"""Already, so that a stay that began before the city did has a price."""


class Priced(Struct, frozen=True):
    """A car park, the name of its tariff, and what its board says."""

    car_park: CarParkId
    time_zone: str
    tariff: str
    summary: Mapping[str, str]


async def seed_tariffs(tx: Tx, priced: Iterable[Priced]) -> int:
    """How many there are now. Raises KeyError for a name that is none of `CITY_TARIFFS`."""
    rows = []
    for one in priced:
        document = {**city_tariff(one.tariff, one.summary), "time_zone": one.time_zone}
        read_tariff(document)
        rows.append((new_id("tar", tx.now), one.car_park, "", 1, document, tx.now - IN_FORCE_FOR, tx.now, "seed"))
    await sql.copy(tx, rows)
    return len(rows)
