"""The operators' business days, one after another: opened when something is posted, frozen when they are over."""

from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo

from billing.business_day import bounds, day_of
from billing.freeze_day import freeze_day, split_day
from billing.settlement_lifecycle import State
from billing.sql import settlements as sql
from kernel.db import Database, Tx
from kernel.ids import new_id

EVERY_S: Final = 30.0
"""How late a day is opened after its first journal, and frozen after its end."""


async def settle_days(database: Database, zone: ZoneInfo) -> int:
    """Every journal of a day that is over comes into a settlement; how many days were frozen.

    What belonged to a day that is frozen already, and came late, goes to the operator's next one.
    """
    count = 0
    while True:
        async with database.transaction() as tx:
            await _open_days(tx, zone)
        frozen = 0
        async with database.transaction(readonly=True) as tx:
            days = await sql.to_freeze(tx)
        for day in days:
            async with database.transaction() as tx:
                frozen += await freeze_day(tx, day)
        async with database.transaction(readonly=True) as tx:
            unsplit = await sql.to_split(tx)
        for row in unsplit:
            await split_day(database, row["id"])
        if frozen == 0:
            return count
        count += frozen


async def _open_days(tx: Tx, zone: ZoneInfo) -> None:
    for row in await sql.waiting(tx):
        if row["state"] == State.OPEN:
            continue
        day = day_of(row["at"], zone)
        if row["day"] is not None:
            day = max(day, row["day"] + timedelta(days=1))
        await sql.open_day(tx, new_id("stl", tx.now), row["operator"], day, bounds(day, zone))
