"""Payments of the same vehicles and drivers that end at the same moment, in every direction at once."""

import asyncio

import pytest

from billing.charges import void_charge
from billing.errors import NothingToRefund, WrongState
from billing.hear_callback import hear_callback
from billing.pay import Payer
from billing.sql import charges
from billing.start_refund import start_refund
from kernel.clock import ManualClock
from kernel.db import Database
from kernel.db_errors import is_victim
from tests.integration.billing.test_payments import Till, owes

PLATES = ("辽A00001", "辽A00002", "辽A00003")


@pytest.fixture
def till(database: Database, clock: ManualClock) -> Till:
    return Till(database, clock)


async def test_payments_of_the_same_vehicles_in_any_order_all_end(till: Till) -> None:
    """Each pays charges of all three vehicles, in another order: whoever is undone for another is done again."""
    payments = []
    for n in range(8):
        turned = PLATES[n % 3 :] + PLATES[: n % 3]
        numbers = [await owes(till, 100, number=n * 3 + at, plate=plate) for at, plate in enumerate(turned)]
        payments.append(await till.pay(*numbers))
    for payment in payments:
        await till.carry.handle(payment["id"].encode())
        assert await till.press(payment)
    told = await till.sandbox.notifications(100)
    assert len(told) == 8
    await asyncio.gather(
        *(hear_callback(till.database, till.sandbox, *letter, till.on_paid) for letter in told for _ in range(2))
    )
    assert len(till.paid) >= 24  # more, where one was undone after it had been told
    assert await till.balances() == {"channel_clearing:sandbox": 2400, "operator_pending:mira": -2400}


async def test_paid_void_and_given_back_at_once_leave_nothing_out_of_balance(till: Till) -> None:
    for round_ in range(6):
        charge = await owes(till, 1000, number=round_, plate=f"辽A0000{round_}")
        payment = await till.pay(charge, payer=Payer(driver="ann"))
        await till.carry.handle(payment["id"].encode())
        assert await till.press(payment)
        ((headers, body),) = [
            letter for letter in await till.sandbox.notifications(100) if payment["out_trade_no"].encode() in letter[1]
        ][:1]

        async def void(number: str = charge) -> None:
            try:
                async with till.database.transaction() as tx:
                    (row,) = await charges.lock(tx, [number])
                    await void_charge(tx, row, actor="operator:x", reason="a race")
            except WrongState:
                return

        async def give_back(number: str = charge) -> None:
            for _ in range(3):
                try:
                    async with till.database.transaction() as tx:
                        await start_refund(tx, number, 400, reason="a race", actor="operator:x")
                except NothingToRefund:
                    return
                except Exception as error:
                    if not is_victim(error):
                        raise

        await asyncio.gather(
            void(),
            hear_callback(till.database, till.sandbox, headers, body, till.on_paid),
            give_back(),
            till.poll(),
            hear_callback(till.database, till.sandbox, headers, body, till.on_paid),
            void(),
        )
        await till.settle()
        row = await till.charge(charge)
        (back,) = await till.rows(
            "SELECT coalesce(sum(amount), 0)::bigint AS n FROM billing.refund WHERE payment = $1", payment["id"]
        )
        assert back["n"] == (1000 if row["state"] == "void" else row["refunded"])
    balances = await till.balances()
    assert set(balances) <= {"channel_clearing:sandbox", "operator_pending:mira"}
    assert sum(balances.values()) == 0
