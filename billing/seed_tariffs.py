"""Put the tariffs of a generated city in force, as `berth up --demo` does with the city itself."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Final

from msgspec import Struct

from billing.city_tariffs import city_tariff
from billing.sql import tariffs as sql
from billing.tariffs.in_short import in_short
from billing.tariffs.tariff import read_tariff
from contracts.ids import CarParkId
from contracts.tariffs import TellTariffs
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


async def seed_tariffs(tx: Tx, priced: Iterable[Priced], tell: TellTariffs) -> int:
    """How many there are now, told with the city and not one after the other once it lives. Raises KeyError for a name
    that is none of `CITY_TARIFFS`.
    """
    rows = []
    told: dict[CarParkId, dict[str, str]] = {}
    for one in priced:
        document = {**city_tariff(one.tariff, one.summary), "time_zone": one.time_zone}
        said = in_short(read_tariff(document))
        told[one.car_park] = {"zh": said.zh, "en": said.en}
        rows.append((new_id("tar", tx.now), one.car_park, "", 1, document, tx.now - IN_FORCE_FOR, tx.now, "seed"))
    await sql.copy(tx, rows)
    await tell(tx, told)
    await sql.note_told(tx, [(row[1], row[0]) for row in rows])
    return len(rows)
