"""Payments over a real database and the sandbox: what each talk with the channel leaves in rows and ledger."""

import asyncio
import hmac
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import orjson
import pytest
from prometheus_client import CollectorRegistry

from billing.carry_payment import OVER, CarryPayment
from billing.carry_refund import CarryRefund
from billing.channel_meters import ChannelMeters
from billing.channels.offered import Channels
from billing.channels.protocol import Standing
from billing.channels.sandbox import SandboxChannel
from billing.channels.sandbox_book import Book
from billing.charges import void_charge
from billing.collect import Collect
from billing.errors import NothingToRefund, NotPayable, UnknownCharge
from billing.forget_told import forget_told
from billing.hear_callback import hear_callback
from billing.pay import Payer, pay_now
from billing.poll_channels import poll_channels
from billing.sql import charges
from billing.start_refund import start_refund
from kernel.clock import ManualClock
from kernel.db import Database, Row, Tx
from tests.integration.billing.stays import agreement
from tests.integration.billing.test_charges import balances, charged

UNDER_WAY = """
SELECT id FROM billing.payment WHERE poll_at IS NOT NULL
UNION ALL
SELECT id FROM billing.refund WHERE poll_at IS NOT NULL
"""
SECRET = b"between the sandbox and us"
ANN = Payer(driver="ann")


class Till:
    """Everything that talks to the sandbox, step by step."""

    def __init__(self, database: Database, clock: ManualClock) -> None:
        self.database, self.clock = database, clock
        self.paid: list[str] = []
        self.sandbox = SandboxChannel(
            database, collects_after=timedelta(seconds=2), secret=SECRET, pay_url="http://here/v1/sandbox/orders"
        )
        self.channels = Channels({"sandbox": self.sandbox}, "sandbox")
        self.registry = CollectorRegistry()
        self.meters = ChannelMeters(self.registry)
        self.carry = CarryPayment(database, self.channels, self.on_paid, self.meters)
        self.carry_refund = CarryRefund(database, self.channels, self.meters)
        self.collect = Collect(database, self.channels, self.carry)

    async def on_paid(self, _tx: Tx, charge: Row) -> None:
        self.paid.append(charge["id"])

    async def poll(self) -> int:
        return await poll_channels(self.database, self.carry, self.carry_refund)

    async def settle(self, *, minutes: int = 60) -> None:
        """Poll until nothing is under way, for so long at most."""
        for _ in range(minutes * 12):
            await self.poll()
            if not await self.rows(UNDER_WAY):
                return
            self.clock.advance(5)
        raise AssertionError("it does not end")

    async def hear(self) -> int:
        """What the sandbox has to tell by now."""
        told = await self.sandbox.notifications(100)
        for headers, body in told:
            reply = await hear_callback(self.database, self.sandbox, headers, body, self.on_paid)
            assert reply.status == 200
        return len(told)

    async def pay(self, *wanted: str, payer: Payer = ANN) -> Row:
        async with self.database.transaction() as tx:
            return await pay_now(tx, wanted, payer, self.sandbox)

    async def press(self, payment: Row) -> bool:
        """The driver pays."""
        async with self.database.transaction() as tx:
            return await Book(tx).end(payment["out_trade_no"], Standing.SUCCEEDED)

    def forged(self, payment: Row, **wrong: Any) -> tuple[dict[str, str], bytes]:
        """A notification of success that says something else, and is signed all the same."""
        told = {
            "out_trade_no": payment["out_trade_no"],
            "standing": "succeeded",
            "amount": payment["amount"],
            "transaction": "sbx_1",
            **wrong,
        }
        body = orjson.dumps({"id": f"forged-{'-'.join(wrong)}", "kind": "payment.succeeded", "payment": told})
        at = str(int(self.clock.now().timestamp()))
        signature = hmac.new(SECRET, f"{at}.".encode() + body, "sha256").hexdigest()
        return {"X-Sandbox-Time": at, "X-Sandbox-Signature": signature}, body

    async def rows(self, statement: str, *arguments: Any) -> list[Row]:
        async with self.database.transaction(readonly=True) as tx:
            return await tx.fetch(statement, *arguments)

    async def charge(self, charge: str) -> Row:
        return (await self.rows("SELECT * FROM billing.charge WHERE id = $1", charge))[0]

    async def payment(self, payment: str) -> Row:
        return (await self.rows("SELECT * FROM billing.payment WHERE id = $1", payment))[0]

    async def balances(self) -> dict[str, int]:
        async with self.database.transaction() as tx:
            return await balances(tx)


@pytest.fixture
def till(database: Database, clock: ManualClock) -> Till:
    return Till(database, clock)


async def owes(till: Till, amount: int = 1200, *, number: int = 1, plate: str = "辽A12345", **changes: Any) -> str:
    """A charge of ann's, who has an agreement for its vehicle."""
    async with till.database.transaction() as tx:
        if not await tx.fetch("SELECT FROM billing.agreement WHERE plate = $1", plate):
            await agreement(tx, plate=plate)
        row = await charged(tx, amount, reservation=f"rsv_{number}", plate=plate, driver="ann", **changes)
    charge: str = row["id"]
    return charge


def states(rows: Iterable[Row]) -> list[str]:
    return [row["state"] for row in rows]


async def test_pay_later_is_accepted_at_once_and_collected_later(till: Till) -> None:
    charge = await owes(till)
    await till.collect.handle(charge.encode())
    await till.collect.handle(charge.encode())  # jobs come twice
    assert states(await till.rows("SELECT state FROM billing.payment")) == ["accepted"]
    assert (await till.charge(charge))["state"] == "accepted"
    till.clock.advance(3)
    assert await till.hear() == 1
    assert await till.hear() == 1  # it tells everything twice
    assert await till.hear() == 0
    row = await till.charge(charge)
    assert (row["state"], row["paid"], row["channel"], row["is_advanced"]) == ("paid", 1200, "sandbox", False)
    assert await till.balances() == {"channel_clearing:sandbox": 1200, "operator_pending:mira": -1200}
    assert [r["outcome"] for r in await till.rows("SELECT outcome FROM billing.callback")] == ["taken"]
    assert till.paid == [charge]
    assert await till.poll() == 0


async def test_without_any_callback_polling_finds_it(till: Till) -> None:
    charge = await owes(till)
    await till.collect.handle(charge.encode())
    await till.settle()
    assert (await till.charge(charge))["state"] == "paid"
    assert await till.hear() == 1
    assert till.paid == [charge]


async def test_no_answer_after_it_was_done_is_asked_for_before_it_is_sent_again(till: Till) -> None:
    charge = await owes(till, plate="辽A90006")
    await till.collect.handle(charge.encode())
    (payment,) = await till.rows("SELECT * FROM billing.payment")
    assert (payment["state"], payment["attempts"]) == ("created", 1)
    await till.settle()
    assert (await till.charge(charge))["state"] == "paid"
    assert len(await till.rows("SELECT FROM billing.sandbox_order")) == 1


async def test_what_a_channel_could_not_collect_is_due_again(till: Till) -> None:
    charge = await owes(till, plate="辽A90001")
    await till.collect.handle(charge.encode())
    assert (await till.charge(charge))["state"] == "accepted"
    till.clock.advance(3)
    await till.hear()
    assert (await till.charge(charge))["state"] == "due"
    assert states(await till.rows("SELECT state FROM billing.payment")) == ["failed"]
    kinds = await till.rows("SELECT kind FROM billing.charge_event WHERE charge = $1 ORDER BY number", charge)
    assert [row["kind"] for row in kinds] == ["raised", "accepted", "channel_failed"]
    assert await till.balances() == {"payer:辽A90001|blue": 1200, "operator_pending:mira": -1200}


async def test_what_a_channel_refuses_stays_due(till: Till) -> None:
    charge = await owes(till, plate="辽A90004")
    await till.collect.handle(charge.encode())
    (payment,) = await till.rows("SELECT * FROM billing.payment")
    assert (payment["state"], payment["error"]) == ("failed", "OVERDUE: nothing is collected from this vehicle")
    assert (await till.charge(charge))["state"] == "due"


async def test_the_driver_of_an_advanced_payment_owes_the_channel_until_he_pays_it_back(till: Till) -> None:
    charge = await owes(till, plate="辽A90002")
    await till.collect.handle(charge.encode())
    till.clock.advance(3)
    await till.hear()
    assert (await till.charge(charge))["is_advanced"] is True
    till.clock.advance(3)
    await till.hear()
    await till.hear()
    assert (await till.charge(charge))["is_advanced"] is False
    (payment,) = await till.rows("SELECT * FROM billing.payment")
    assert (payment["is_advanced"], payment["is_repaid"]) == (True, True)
    assert await till.balances() == {"channel_clearing:sandbox": 1200, "operator_pending:mira": -1200}


async def test_several_charges_are_paid_now_with_one_code(till: Till) -> None:
    first, second = await owes(till, 1200), await owes(till, 350, number=2)
    payment = await till.pay(first, second)
    assert payment["amount"] == 1550
    assert payment["action"] == {"url": f"http://here/v1/sandbox/orders/{payment['id'][4:]}"}
    assert (await till.pay(second, first))["id"] == payment["id"]  # asked again, it is the same code
    await till.carry.handle(payment["id"].encode())
    assert (await till.payment(payment["id"]))["state"] == "sent"
    assert await till.press(payment)
    await till.settle()
    assert states([await till.charge(first), await till.charge(second)]) == ["paid", "paid"]
    assert sorted(till.paid) == sorted([first, second])
    with pytest.raises(NotPayable, match="is paid"):
        await till.pay(first)


async def test_a_code_that_nobody_pays_is_closed(till: Till) -> None:
    charge = await owes(till)
    payment = await till.pay(charge)
    await till.settle()
    assert states([await till.payment(payment["id"]), await till.charge(charge)]) == ["closed", "due"]
    assert not await till.press(payment)
    again = await till.pay(charge)
    assert again["id"] != payment["id"]


async def test_only_what_is_ones_own_is_paid(till: Till) -> None:
    charge = await owes(till)
    for payer in (Payer(driver="ben"), Payer(driver="ben", plate="辽A12345", color="green")):
        with pytest.raises(UnknownCharge):
            await till.pay(charge, payer=payer)
    with pytest.raises(UnknownCharge):
        await till.pay(charge, "chg_nothing")
    assert await till.pay(charge, payer=Payer(driver="ben", plate="辽A12345", color="blue"))


async def test_what_a_channel_collects_is_not_paid_twice(till: Till) -> None:
    charge = await owes(till)
    await till.collect.handle(charge.encode())
    with pytest.raises(NotPayable, match="sandbox is collecting"):
        await till.pay(charge)


async def test_paid_twice_goes_back_by_itself(till: Till) -> None:
    charge = await owes(till)
    now = await till.pay(charge)
    await till.carry.handle(now["id"].encode())
    await till.collect.handle(charge.encode())  # while the code is open
    assert await till.press(now)
    await till.settle()
    assert (await till.charge(charge))["paid"] == 1200
    (refund,) = await till.rows("SELECT * FROM billing.refund")
    assert (refund["state"], refund["amount"], refund["charge"]) == ("succeeded", 1200, None)
    assert await till.balances() == {"channel_clearing:sandbox": 1200, "operator_pending:mira": -1200}


async def test_what_comes_another_way_closes_the_code(till: Till) -> None:
    charge = await owes(till)
    code = await till.pay(charge)
    await till.carry.handle(code["id"].encode())
    await till.collect.handle(charge.encode())
    (job,) = await till.rows("SELECT payload FROM jobs.pgqueuer WHERE entrypoint = 'billing.drop'")
    await till.carry.drop(job["payload"])
    assert (await till.payment(code["id"]))["state"] == "closed"
    assert not await till.press(code)
    await till.settle()
    assert (await till.charge(charge))["state"] == "paid"
    assert not await till.rows("SELECT FROM billing.refund")


async def test_paid_after_it_was_void_goes_back_by_itself(till: Till) -> None:
    charge = await owes(till)
    payment = await till.pay(charge)
    await till.carry.handle(payment["id"].encode())
    async with till.database.transaction() as tx:
        await void_charge(tx, (await charges.lock(tx, [charge]))[0], actor="operator:x", reason="wrong plate")
    assert await till.press(payment)
    await till.settle()
    assert (await till.charge(charge))["state"] == "void"
    assert states(await till.rows("SELECT state FROM billing.refund")) == ["succeeded"]
    assert await till.balances() == {}


async def test_what_was_void_before_it_was_sent_is_never_asked_for(till: Till) -> None:
    charge = await owes(till)
    payment = await till.pay(charge)
    async with till.database.transaction() as tx:
        await void_charge(tx, (await charges.lock(tx, [charge]))[0], actor="operator:x", reason="wrong plate")
    await till.carry.handle(payment["id"].encode())
    row = await till.payment(payment["id"])
    assert (row["state"], row["error"]) == ("closed", OVER)
    assert not await till.rows("SELECT FROM billing.sandbox_order")


async def test_callback_poll_and_answer_at_the_same_moment_post_once(till: Till) -> None:
    """Everybody who may hear of a success does, at once, and over again."""
    numbers = [await owes(till, 100 * n, number=n, plate=f"辽A1234{n}") for n in range(1, 6)]
    for charge in numbers:
        await till.collect.handle(charge.encode())
    till.clock.advance(10)
    told = await till.sandbox.notifications(100)
    await till.rows("SELECT 1")
    async with till.database.transaction() as tx:
        await tx.execute("UPDATE billing.payment SET poll_at = $1", tx.now)
    heard = [
        hear_callback(till.database, till.sandbox, headers, body, till.on_paid)
        for headers, body in told
        for _ in range(3)
    ]
    await asyncio.gather(*heard, till.poll(), till.poll(), *(till.collect.handle(one.encode()) for one in numbers))
    await till.settle()
    assert sorted(till.paid) == sorted(numbers)
    assert await till.balances() == {"channel_clearing:sandbox": 1500, "operator_pending:mira": -1500}
    (journals,) = await till.rows("SELECT count(*) AS n FROM billing.journal WHERE kind = 'pay'")
    assert journals["n"] == 5
    assert not await till.rows("SELECT FROM billing.refund")


async def test_more_than_was_paid_is_never_given_back_however_many_ask(till: Till) -> None:
    charge = await owes(till)
    await till.collect.handle(charge.encode())
    await till.settle()

    async def ask(amount: int) -> bool:
        try:
            async with till.database.transaction() as tx:
                await start_refund(tx, charge, amount, reason="too slow a lift", actor="operator:x")
        except NothingToRefund:
            return False
        return True

    given = await asyncio.gather(*(ask(500) for _ in range(6)))
    assert sum(given) == 2
    await till.settle()
    row = await till.charge(charge)
    assert (row["state"], row["refunded"]) == ("part_refunded", 1000)
    async with till.database.transaction() as tx:
        rest = await start_refund(tx, charge, None, reason="the rest", actor="operator:x")
        assert rest["amount"] == 200
    await till.settle()
    assert (await till.charge(charge))["state"] == "refunded"
    assert await till.balances() == {}


async def test_what_was_told_is_forgotten_after_a_quarter_and_what_was_set_aside_is_not(till: Till) -> None:
    charge = await owes(till)
    await till.collect.handle(charge.encode())
    till.clock.advance(3)
    await till.hear()
    (payment,) = await till.rows("SELECT * FROM billing.payment")
    headers, body = till.forged(payment, amount=1)
    await hear_callback(till.database, till.sandbox, headers, body, till.on_paid)
    async with till.database.transaction() as tx:
        await start_refund(tx, charge, None, reason="x", actor="operator:x")
    await till.settle()
    assert await forget_told(till.database) == 0
    till.clock.advance(91 * 86_400)
    assert await forget_told(till.database) == 2
    assert [row["outcome"] for row in await till.rows("SELECT outcome FROM billing.callback")] == ["quarantined"]
    assert not await till.rows("SELECT FROM billing.sandbox_refund")
