"""`berth doctor` reads the ledger."""

from app.doctor import examine
from app.settings import BerthSettings
from kernel.clock import ManualClock
from kernel.db import Database
from tests.integration.billing.day_of_money import Money


async def test_a_balance_that_was_tampered_with_is_found(database: Database, clock: ManualClock) -> None:
    money = Money(database)
    await money.lay_out()
    await money.paid(1_000)
    async with database.transaction() as tx:
        await money.charge(tx, 300)
    settings = BerthSettings(database_url=database.url)
    (ledger,) = [one for one in await examine(settings, clock) if one.part == "ledger"]
    assert (ledger.ok, ledger.advice) == (True, "")
    async with database.transaction() as tx:
        await tx.execute("UPDATE billing.account SET balance = balance + 1 WHERE kind = 'payer'")
        await tx.execute("UPDATE billing.charge SET paid = 999 WHERE state = 'paid'")
    (ledger,) = [one for one in await examine(settings, clock) if one.part == "ledger"]
    assert not ledger.ok
    assert ledger.found.startswith("2 differences: a payer: balance; chg_")
    assert "辽A12345" not in ledger.found
