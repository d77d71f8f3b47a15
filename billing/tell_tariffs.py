"""What car parks charge is told to the registry, in a sentence, when a version comes into force or is over."""

from typing import Final

from billing.sql import tariffs as sql
from billing.tariff_shelf import TariffShelf
from billing.tariffs.in_short import in_short
from contracts.ids import CarParkId
from contracts.tariffs import TellTariffs
from kernel.db import Database

TELL_S: Final = 5.0
"""How late a card says another price than the one that is in force."""
PART: Final = 200
"""Car parks in one transaction."""


async def tell_tariffs(database: Database, shelf: TariffShelf, tell: TellTariffs) -> None:
    """One turn: all that is not told yet. Told twice, by two workers at once, it is the same."""
    while True:
        async with database.transaction() as tx:
            rows = await sql.untold(tx, limit=PART)
            said: dict[CarParkId, dict[str, str] | None] = {}
            for row in rows:
                told = None if row["tariff"] is None else in_short(await shelf.version(tx, row["tariff"]))
                said[CarParkId(row["car_park"])] = None if told is None else {"zh": told.zh, "en": told.en}
            if rows:
                await tell(tx, said)
                await sql.note_told(tx, [(row["car_park"], row["tariff"]) for row in rows])
        if len(rows) < PART:
            return
