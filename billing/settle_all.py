"""The hourly settlement: days that are over are frozen and split, bills that are made up are read, and what both say
alike is reconciled. What a run does not come to, because a process died or a channel was away, the next one does.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from billing.business_day import day_of
from billing.channels.protocol import PaymentChannel
from billing.look_again import look_again
from billing.read_bill import read_bill
from billing.reconcile_day import reconcile_day
from billing.release_owners import release_owners
from billing.settle_days import settle_days
from billing.settle_payment import OnPaid
from billing.settlement_meters import SettlementMeters
from billing.sql import bills, differences, settlements
from billing.take_bill import book_lines
from kernel.db import Database, Tx

JOB: Final = "billing.settle"
CRON: Final = "7 * * * *"
"""Midnight is at another hour in every time zone, and bills are made up when the channel likes."""
BILLS_MAX: Final = 31
"""Days of a channel that one run reads: a month of being away is caught up with at once."""


async def settle_all(
    database: Database,
    zone: ZoneInfo,
    channels: Sequence[PaymentChannel],
    *,
    on_paid: OnPaid,
    meters: SettlementMeters,
) -> None:
    """One run; any number of processes may run it at once."""
    frozen = await settle_days(database, zone)
    await release_owners(database)
    with_bills = [channel for channel in channels if channel.makes_up_bills]
    for channel in with_bills:
        await _read_bills(database, zone, channel)
    await book_lines(database)
    await look_again(database, on_paid)
    async with database.transaction(readonly=True) as tx:
        days = await settlements.to_reconcile(tx)
        meters.compared(await differences.open_counts(tx))
    reconciled = 0
    for day in days:
        async with database.transaction() as tx:
            reconciled += await reconcile_day(tx, day, [channel.name for channel in with_bills])
    meters.settled(frozen=frozen, reconciled=reconciled)


async def _read_bills(database: Database, zone: ZoneInfo, channel: PaymentChannel) -> None:
    """One day after another, up to yesterday's; none is left out, for what is late is looked for in the next one."""
    async with database.transaction(readonly=True) as tx:
        day, today = await _first_unread(tx, channel.name, zone), day_of(tx.now, zone)
    for _ in range(BILLS_MAX):
        if day is None or day >= today or not await read_bill(database, zone, channel, day):
            return
        day += timedelta(days=1)


async def _first_unread(tx: Tx, channel: str, zone: ZoneInfo) -> date | None:
    last = await bills.last_read(tx, channel)
    if last is not None:
        return last + timedelta(days=1)
    first = await bills.first_asked(tx, channel)
    return None if first is None else day_of(first, zone)
