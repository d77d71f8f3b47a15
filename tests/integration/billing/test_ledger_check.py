"""What the nightly check finds: whatever is kept beside the entries and says anything else."""

from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry

from billing.check_ledger import check_ledger
from billing.ledger import Account, AccountKind
from billing.ledger_differences import ledger_differences
from billing.settlement_meters import SettlementMeters
from billing.sql import balances
from kernel.clock import ManualClock
from kernel.db import Database
from tests.integration.billing.day_of_money import Money

CLEARING = Account(AccountKind.CHANNEL_CLEARING, "wechat")


@pytest.fixture
async def money(database: Database) -> Money:
    made = Money(database)
    await made.lay_out()
    return made


async def check(database: Database, *, whole: bool = False) -> set[tuple[str, str, str]]:
    registry = CollectorRegistry()
    found = await check_ledger(database, SettlementMeters(registry), whole=whole)
    assert registry.get_sample_value("berth_billing_ledger_differences") == len(found)
    return {(one.what, one.kept, one.by_entries) for one in found}


async def balance(database: Database, account: Account) -> int:
    async with database.transaction(readonly=True) as tx:
        return await balances.balance(tx, account)


async def test_a_balance_is_its_checkpoint_and_what_came_since(
    database: Database, money: Money, clock: ManualClock
) -> None:
    assert await balance(database, CLEARING) == 0
    await money.paid(1_000)
    clock.advance(7_200)
    await money.paid(200)
    assert await balance(database, CLEARING) == 1_200
    assert await check(database) == set()
    async with database.transaction() as tx:
        (row,) = await tx.fetch(
            "SELECT total::bigint FROM billing.checkpoint JOIN billing.account ON id = account"
            " WHERE kind = 'channel_clearing'"
        )
        assert row["total"] == 1_000, "what may still be joined by an older one is not summed up yet"
    await money.paid(30)
    assert await balance(database, CLEARING) == 1_230
    clock.advance(7_200)
    await money.paid(4)
    assert await check(database) == set()
    assert await balance(database, CLEARING) == 1_234
    assert await balance(database, Account(AccountKind.PAYER, "辽A12345|blue")) == 0


async def test_what_was_tampered_with_is_found(database: Database, money: Money, clock: ManualClock) -> None:
    await money.paid(1_000)
    async with database.transaction() as tx:
        owed = await money.charge(tx, 300)
        await tx.execute("UPDATE billing.account SET balance = balance - 1 WHERE kind = 'payer'")
        await tx.execute("UPDATE billing.charge SET paid = 999 WHERE state = 'paid'")
        await tx.execute("UPDATE billing.charge SET state = 'written_off' WHERE id = $1", owed["id"])
    assert await check(database) == {
        ("balance", "299", "300"),
        ("paid", "999", "1000"),
        ("state", "written_off", "accepted or adjusted or disputed or due or overdue"),
    }
    clock.advance(timedelta(days=3).total_seconds())
    assert {what for what, *_ in await check(database)} == {"balance"}, "charges that did not move were looked at"
    assert len(await check(database, whole=True)) == 3


async def test_a_journal_that_is_out_or_belongs_nowhere_is_found(database: Database, money: Money) -> None:
    await money.paid(1_000)
    async with database.transaction() as tx:
        await tx.execute("ALTER TABLE billing.entry DISABLE TRIGGER USER")
        await tx.execute("DELETE FROM billing.settlement_item WHERE journal = (SELECT min(id) FROM billing.journal)")
        await tx.execute(
            "UPDATE billing.entry SET amount = amount + 7 WHERE account = (SELECT id FROM billing.account"
            " WHERE kind = 'channel_clearing')"
        )
    async with database.transaction(readonly=True) as tx:
        found = {(one.what, one.kept, one.by_entries) for one in await ledger_differences(tx)}
    assert found == {("unbalanced", "7", "0"), ("no settlement", "0", "1"), ("paid", "1000", "1007")}
