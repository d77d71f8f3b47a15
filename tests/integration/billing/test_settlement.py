"""Business days over a real database: what is frozen, whose it is, and what is paid out."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest

from billing.errors import WrongState
from billing.hold_settlement import hold_settlement, release_settlement
from billing.ledger_differences import ledger_differences
from billing.pay_out import pay_out
from billing.reconcile_day import reconcile_day
from billing.release_owners import release_owners
from billing.settle_days import settle_days
from billing.sql import settled
from kernel.clock import ManualClock
from kernel.db import Database
from tests.integration.billing.day_of_money import CITY, Money

MONDAY, TUESDAY = date(2026, 11, 23), date(2026, 11, 24)
EVENING_S = 15 * 3600 + 3000  # the clock begins at eight in Shenyang: ten to midnight
HOUR = 3600


@pytest.fixture
async def money(database: Database) -> Money:
    made = Money(database)
    await made.lay_out()
    return made


async def no_difference(database: Database) -> None:
    async with database.transaction(readonly=True) as tx:
        assert await ledger_differences(tx) == []


async def test_a_day_is_frozen_after_its_end_and_split(database: Database, money: Money, clock: ManualClock) -> None:
    await money.paid(1_000)
    charge, payment = await money.paid(999)
    await money.paid(700, operator="nord")
    await money.give_back(charge, payment, 333)
    assert await money.settle() == 0
    clock.advance(EVENING_S)
    assert await money.settle() == 0
    clock.advance(HOUR)
    assert await money.settle() == 2
    assert await money.settle() == 0
    found = await money.settlements()
    assert {key: row["state"] for key, row in found.items()} == {("mira", MONDAY): "frozen", ("nord", MONDAY): "frozen"}
    row = found["mira", MONDAY]
    assert (row["begins"], row["ends"]) == (
        datetime(2026, 11, 22, 16, tzinfo=UTC),
        datetime(2026, 11, 23, 16, tzinfo=UTC),
    )
    # 5 % of 1000, and of 999 (49.95) what the refund (16.65 of its platform's 50) leaves
    assert (row["gross"], row["refunded"], row["platform"], row["net"]) == (1_999, 333, 50 + 33, 1_999 - 333 - 83)
    assert await money.balances() == {
        "channel_clearing:wechat": 1_999 - 333 + 700,
        "operator:mira": -(1_999 - 333 - 83),
        "operator:nord": -665,
        "platform:": -83 - 35,
    }
    await no_difference(database)


async def test_what_is_unpaid_waits_with_the_payer(database: Database, money: Money, clock: ManualClock) -> None:
    async with database.transaction() as tx:
        row = await money.charge(tx, 1_000)
    clock.advance(24 * HOUR)
    await money.settle()
    async with database.transaction() as tx:
        await money.pay(tx, row)
    clock.advance(24 * HOUR)
    await money.settle()
    found = await money.settlements()
    assert found["mira", MONDAY]["net"] is None, "nothing was paid: no figures"
    assert found["mira", TUESDAY]["net"] == 950


async def test_what_comes_late_goes_to_the_next_open_day(database: Database, money: Money, clock: ManualClock) -> None:
    """A transaction that began before midnight and was committed when the day was frozen already."""
    await money.paid(1_000)
    clock.advance(EVENING_S)
    async with database.transaction() as late:
        row = await money.charge(late, 400)
        await money.pay(late, row)
        clock.advance(HOUR)
        assert await money.settle() == 1
    await money.paid(200)
    clock.advance(24 * HOUR)
    assert await money.settle() == 1
    found = await money.settlements()
    assert (found["mira", MONDAY]["gross"], found["mira", TUESDAY]["gross"]) == (1_000, 600)


async def test_every_journal_of_an_operator_is_in_one_settlement(
    database: Database, money: Money, clock: ManualClock
) -> None:
    for _ in range(3):
        charge, payment = await money.paid(1_000)
        clock.advance(12 * HOUR)
        await money.give_back(charge, payment, 100)
        await money.settle()
    clock.advance(24 * HOUR)
    await money.settle()
    async with database.transaction(readonly=True) as tx:
        assert not await tx.fetch(
            "SELECT FROM billing.journal LEFT JOIN billing.settlement_item AS item ON item.journal = journal.id"
            " WHERE (journal.operator IS NOT NULL) <> (item.settlement IS NOT NULL)"
        )
        assert await tx.fetchval("SELECT count(*) FROM billing.settlement_item") > 9
    await no_difference(database)


async def test_given_back_between_midnight_and_the_freeze(database: Database, money: Money, clock: ManualClock) -> None:
    """It comes from what is pending, and counts in the day on which it was."""
    charge, payment = await money.paid(1_000)
    clock.advance(EVENING_S + HOUR)
    await money.give_back(charge, payment, 301)
    await money.settle()
    await money.give_back(charge, payment, 99)
    clock.advance(24 * HOUR)
    await money.settle()
    found = await money.settlements()
    assert (found["mira", MONDAY]["gross"], found["mira", MONDAY]["refunded"], found["mira", MONDAY]["net"]) == (
        1_000,
        0,
        950,
    )
    assert (found["mira", TUESDAY]["refunded"], found["mira", TUESDAY]["net"]) == (400, -380)
    assert await money.balances() == {"channel_clearing:wechat": 600, "operator:mira": -570, "platform:": -30}
    await no_difference(database)


async def test_the_owners_part_is_the_owners_after_48_hours(
    database: Database, money: Money, clock: ManualClock
) -> None:
    charge, payment = await money.paid(1_000, owner="ann", owner_share_bp=7_000)
    clock.advance(24 * HOUR)
    await money.settle()
    row = (await money.settlements())["mira", MONDAY]
    assert (row["owners"], row["platform"], row["net"]) == (700, 50, 250)
    await money.give_back(charge, payment, 100)
    assert await release_owners(database) == 0
    assert await money.balances() == {
        "channel_clearing:wechat": 900,
        "operator_pending:mira": -630,
        "operator:mira": -225,
        "platform:": -45,
    }
    clock.advance(24 * HOUR)
    assert await release_owners(database) == 1
    assert await release_owners(database) == 0
    await money.give_back(charge, payment, 100)
    assert await money.balances() == {
        "channel_clearing:wechat": 800,
        "owner:ann": -560,
        "operator:mira": -200,
        "platform:": -40,
    }
    await money.give_back(charge, payment, 800)
    assert await money.balances() == {}
    await no_difference(database)


async def test_two_workers_freeze_a_day_once(database: Database, money: Money, clock: ManualClock) -> None:
    for _ in range(4):
        await money.paid(1_000)
    clock.advance(24 * HOUR)
    counts = await asyncio.gather(*[settle_days(database, CITY) for _ in range(3)])
    assert sum(counts) == 1
    assert (await money.settlements())["mira", MONDAY]["net"] == 3_800
    assert (await money.balances())["operator:mira"] == -3_800
    await no_difference(database)


async def test_paid_out_with_what_earlier_days_were_short_of(
    database: Database, money: Money, clock: ManualClock
) -> None:
    charge, payment = await money.paid(1_000)
    paid = []
    for day in range(4):
        clock.advance(24 * HOUR)
        await money.settle()
        row = (await money.settlements())["mira", MONDAY + timedelta(days=day)]
        async with database.transaction() as tx:
            with pytest.raises(WrongState, match="frozen"):
                await pay_out(tx, row["id"])
        async with database.transaction() as tx:
            assert await reconcile_day(tx, row["id"], [])
        async with database.transaction() as tx:
            paid.append((await pay_out(tx, row["id"]))["paid"])
        if day == 0:
            await money.give_back(charge, payment, 600)
        if day > 0:
            await money.paid(300 * day)
    assert paid == [950, 0, 0, 570 - (570 - 285)]
    assert (await money.balances())["bank:"] == -sum(paid)
    async with database.transaction() as tx:
        with pytest.raises(WrongState, match="paid_out"):
            await pay_out(tx, row["id"])


async def test_held_with_a_reason_and_released(database: Database, money: Money, clock: ManualClock) -> None:
    await money.paid(1_000)
    await money.settle()
    day = next(iter((await money.settlements()).values()))["id"]
    async with database.transaction() as tx:
        with pytest.raises(WrongState, match="open"):
            await hold_settlement(tx, day, reason="too early", by_city=True)
    clock.advance(24 * HOUR)
    await money.settle()
    async with database.transaction() as tx:
        assert (await hold_settlement(tx, day, reason="a complaint", by_city=True))["reason"] == "a complaint"
        assert not await reconcile_day(tx, day, [])
    async with database.transaction() as tx:
        assert (await release_settlement(tx, day, reason="it was nothing", by_city=True))["state"] == "frozen"
        with pytest.raises(WrongState, match="frozen"):
            await release_settlement(tx, day, reason="again", by_city=True)
        assert await reconcile_day(tx, day, [])
    async with database.transaction() as tx:
        await hold_settlement(tx, day, reason="once more", by_city=True)
        assert (await release_settlement(tx, day, reason="nothing", by_city=True))["state"] == "reconciled"
        assert (await pay_out(tx, day))["paid"] == 950


async def test_a_day_that_is_open_shows_its_figures_so_far(database: Database, money: Money) -> None:
    charge, payment = await money.paid(1_000)
    await money.give_back(charge, payment, 10)
    await money.settle()
    row = (await money.settlements())["mira", MONDAY]
    async with database.transaction(readonly=True) as tx:
        (figure,) = await settled.figures_so_far(tx, "mira", row["ends"])
    assert (row["state"], figure["gross"], figure["refunded"], figure["car_park"]) == ("open", 1_000, 10, "sy-mira-1")
