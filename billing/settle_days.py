"""The operators' business days, one after another: opened when something is posted, frozen when they are over."""

from datetime import timedelta
from typing import Final
from zoneinfo import ZoneInfo

import structlog

from billing.business_day import bounds, day_of
from billing.freeze_day import freeze_day, split_day
from billing.settlement_lifecycle import State
from billing.sql import settlements as sql
from kernel.db import Database, Tx
from kernel.db_errors import will_pass
from kernel.ids import new_id

log = structlog.get_logger(__name__)

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
            frozen += await freeze_day(database, day)
        async with database.transaction(readonly=True) as tx:
            unsplit = await sql.to_split(tx)
        for row in unsplit:
            await _split(database, row["id"])
        if frozen == 0:
            return count
        count += frozen


async def _split(database: Database, settlement: str) -> None:
    """A defect in one operator's day keeps nobody else's from being settled."""
    try:
        await split_day(database, settlement)
    except Exception as error:
        if will_pass(error):
            raise
        log.exception("a day cannot be split", settlement=settlement)


async def _open_days(tx: Tx, zone: ZoneInfo) -> None:
    for row in await sql.waiting(tx):
        if row["state"] == State.OPEN:
            continue
        day = day_of(row["at"], zone)
        following = None if row["day"] is None else row["day"] + timedelta(days=1)
        if following is not None:
            day = max(day, following)
        begins, ends = bounds(day, zone)
        if day == following:  # the one before may have been closed before its end
            begins = row["ends"]
        await sql.open_day(tx, new_id("stl", tx.now), row["operator"], day, (begins, ends))
