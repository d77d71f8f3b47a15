"""A city's money over days beside one channel's bills, as tests of reconciliation drive it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, cast

from prometheus_client import CollectorRegistry

from billing.business_day import day_of
from billing.channels.protocol import BillLine, ChannelAway, PaymentChannel
from billing.ledger_differences import ledger_differences
from billing.matching import Way
from billing.resolve_difference import resolve_difference
from billing.settle_all import settle_all
from billing.settlement_meters import SettlementMeters
from kernel.clock import ManualClock
from kernel.db import Database, Row, Tx
from tests.integration.billing.day_of_money import CITY, Money

HOUR = 3600
DAY = 24 * HOUR


@dataclass
class Bills:
    """A channel of which only the bills are asked: by day, None while one is not made up."""

    name: str = "wechat"
    makes_up_bills: bool = True
    days: dict[date, list[BillLine] | None] = field(default_factory=dict)
    is_away: bool = False
    asked: list[date] = field(default_factory=list)

    async def bill(self, day: date) -> Sequence[BillLine] | None:
        self.asked.append(day)
        if self.is_away:
            raise ChannelAway("no answer")
        return self.days.get(day, [])

    def add(self, one: BillLine, *, day: date | None = None) -> BillLine:
        """To the bill of the day that it is in, or of `day`."""
        lines = self.days.setdefault(day or day_of(one.at, CITY), [])
        assert lines is not None
        lines.append(one)
        return one


class City:
    """Money, its clock and one channel."""

    def __init__(self, database: Database, clock: ManualClock) -> None:
        self.database, self.clock, self.money, self.bills = database, clock, Money(database), Bills()
        self.meters = SettlementMeters(CollectorRegistry())
        self.opened: list[str] = []

    async def run(self) -> None:
        async def on_paid(_tx: Tx, charge: Row) -> None:
            self.opened.append(charge["id"])

        channels = cast(list[PaymentChannel], [self.bills])
        await settle_all(self.database, CITY, channels, on_paid=on_paid, meters=self.meters)

    async def next_day(self) -> None:
        self.clock.advance(DAY)
        await self.run()

    async def rows(self, statement: str, *values: Any) -> list[Row]:
        async with self.database.transaction(readonly=True) as tx:
            return await tx.fetch(statement, *values)

    async def differences(self) -> list[Row]:
        return await self.rows("SELECT * FROM billing.difference ORDER BY id")

    async def one(self) -> Row:
        (found,) = await self.differences()
        return found

    async def states(self) -> list[str]:
        return [row["state"] for row in await self.rows("SELECT state FROM billing.settlement ORDER BY operator, day")]

    async def resolve(self, way: Way, *, operators: Sequence[str] | None = None) -> Row:
        async with self.database.transaction() as tx:
            (row,) = await tx.fetch("SELECT id FROM billing.difference WHERE state = 'open'")
            return await resolve_difference(
                tx, row["id"], way, reason="looked at it", actor="operator:x", operators=operators
            )

    async def clearing(self) -> int:
        """What the channel still has: nothing, once all is billed and resolved."""
        return (await self.money.balances()).get("channel_clearing:wechat", 0)

    async def is_whole(self) -> None:
        async with self.database.transaction(readonly=True) as tx:
            assert await ledger_differences(tx) == []
