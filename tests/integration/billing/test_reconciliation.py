"""The channels' bills beside our own rows and ledger, over a real database."""

from datetime import date, timedelta
from typing import cast

import pytest

from billing.channels.protocol import PaymentChannel
from billing.errors import UnknownDifference, WrongState
from billing.matching import Kind, Way
from billing.pay_out import pay_out
from billing.read_bill import JOB, ReadBill
from billing.resolve_difference import ask_about_difference, resolve_difference
from kernel.clock import ManualClock
from kernel.db import Database
from tests.integration.billing.billed_city import HOUR, City
from tests.integration.billing.day_of_money import CITY, line

MONDAY = date(2026, 11, 23)


@pytest.fixture
async def city(database: Database, clock: ManualClock) -> City:
    made = City(database, clock)
    await made.money.lay_out()
    return made


async def test_both_say_the_same_and_the_operator_is_paid_less_the_fees(city: City) -> None:
    now = city.clock.now()
    charge, payment = await city.money.paid(1_000)
    refund = await city.money.give_back(charge, payment, 200)
    city.bills.add(line(payment, 1_000, fee=6, at=now))
    city.bills.add(line(payment, 200, fee=-1, at=now, refund=refund))
    await city.next_day()
    assert await city.differences() == []
    row = (await city.money.settlements())["mira", MONDAY]
    assert (row["state"], row["gross"], row["refunded"], row["fees"], row["platform"]) == (
        "reconciled",
        1_000,
        200,
        5,
        40,
    )
    async with city.database.transaction() as tx:
        assert (await pay_out(tx, row["id"]))["paid"] == 1_000 - 200 - 40 - 5
    assert await city.money.balances() == {"bank:": 795 - 755, "platform:": -40}
    await city.is_whole()


async def test_a_day_waits_for_the_bill(city: City) -> None:
    now = city.clock.now()
    _, payment = await city.money.paid(1_000)
    city.bills.days[MONDAY] = None
    await city.next_day()
    assert await city.states() == ["frozen"]
    city.bills.is_away = True
    await city.run()
    assert (await city.states(), await city.differences()) == (["frozen"], [])
    city.bills.is_away, city.bills.days[MONDAY] = False, [line(payment, 1_000, at=now)]
    await city.run()
    assert await city.states() == ["reconciled"]
    assert city.bills.asked == [MONDAY] * 3, "no day is read twice, none before its end"
    await city.run()
    assert city.bills.asked == [MONDAY] * 3


async def test_another_channel_without_bills_is_not_waited_for(city: City) -> None:
    await city.money.paid(1_000, channel="sandbox")
    await city.next_day()
    assert await city.states() == ["reconciled"]


async def test_one_payment_of_two_operators(city: City) -> None:
    now = city.clock.now()
    async with city.database.transaction() as tx:
        first, second = await city.money.charge(tx, 100), await city.money.charge(tx, 200, operator="nord")
        payment = await city.money.pay(tx, first, second)
    city.bills.add(line(payment, 300, fee=10, at=now))
    await city.next_day()
    found = await city.money.settlements()
    assert [(found[name, MONDAY]["fees"], found[name, MONDAY]["net"]) for name in ("mira", "nord")] == [
        (3, 92),
        (7, 183),
    ]
    assert await city.clearing() == 0


async def test_late_in_the_next_days_bill_comes_right_by_itself(city: City) -> None:
    city.clock.advance(15 * HOUR + 3000)
    _, payment = await city.money.paid(1_000)
    city.clock.advance(HOUR)
    await city.run()
    assert ((await city.one())["kind"], (await city.one())["state"]) == (Kind.LATE, "open")
    assert await city.states() == ["frozen"]
    with pytest.raises(WrongState, match="waiting for the next bill"):
        await city.resolve(Way.LOSS)
    city.bills.add(line(payment, 1_000, fee=6, at=city.clock.now()))
    await city.next_day()
    row = await city.one()
    assert (row["kind"], row["state"], row["way"], row["actor"]) == (Kind.LATE, "resolved", Way.ITSELF, "billing")
    assert (await city.states(), await city.clearing()) == (["reconciled"], 0)
    assert (await city.money.settlements())["mira", MONDAY]["fees"] == 6


async def test_what_is_not_in_the_next_bill_either_is_missing(city: City) -> None:
    city.clock.advance(15 * HOUR + 3000)
    await city.money.paid(1_000)
    city.clock.advance(HOUR)
    await city.run()
    await city.next_day()
    await city.run()
    row = await city.one()
    assert (row["kind"], row["ours"], row["theirs"], row["operators"]) == (Kind.MISSING_THERE, 1_000, None, ["mira"])
    row = await city.resolve(Way.LOSS, operators=["mira"])
    assert (row["state"], row["way"], row["reason"], row["actor"]) == ("resolved", "loss", "looked at it", "operator:x")
    assert await city.clearing() == 0
    await city.next_day()
    found = await city.money.settlements()
    assert found["mira", MONDAY]["net"] == 950
    losses = {day: row["losses"] for (_, day), row in found.items()}
    assert sum(losses[day] or 0 for day in losses) == 1_000, "whoever decides it bears it, on the day on which he did"
    assert await city.states() == ["reconciled", "reconciled"]
    await city.is_whole()


async def test_found_in_a_bill_two_days_later(city: City) -> None:
    _, payment = await city.money.paid(1_000)
    await city.next_day()
    assert (await city.one())["kind"] == Kind.MISSING_THERE
    city.bills.add(line(payment, 1_000, at=city.clock.now()))
    await city.next_day()
    assert ((await city.one())["kind"], (await city.one())["way"]) == (Kind.LATE, Way.ITSELF)
    assert await city.clearing() == 0


async def test_a_lost_callback_is_made_good_by_the_bill(city: City) -> None:
    """The channel has the money; a failed query, or a crash, has left ours behind."""
    async with city.database.transaction() as tx:
        row = await city.money.charge(tx, 1_000)
        payment = await city.money.ask(tx, row, state="failed")
    city.bills.add(line(payment, 1_000, fee=6, at=city.clock.now()))
    await city.next_day()
    found = await city.one()
    assert (found["kind"], found["state"], found["way"]) == (Kind.STATE, "resolved", Way.ITSELF)
    (charge,) = await city.rows("SELECT state, paid, version FROM billing.charge")
    assert (charge["state"], charge["paid"], city.opened) == ("paid", 1_000, [row["id"]])
    assert await city.clearing() == 0
    await city.next_day()
    row = (await city.money.settlements())["mira", MONDAY + timedelta(days=1)]
    assert (row["gross"], row["fees"], row["state"]) == (1_000, 6, "reconciled")
    await city.is_whole()


async def test_another_amount(city: City) -> None:
    now = city.clock.now()
    _, more = await city.money.paid(1_000)
    city.bills.add(line(more, 1_100, fee=6, at=now))
    await city.next_day()
    assert await city.states() == ["frozen"]
    with pytest.raises(WrongState, match="refund or suspense"):
        await city.resolve(Way.LOSS)
    with pytest.raises(UnknownDifference):
        await city.resolve(Way.REFUND, operators=["nord"])
    await city.resolve(Way.REFUND, operators=["mira", "nord"])
    (refund,) = await city.rows("SELECT * FROM billing.refund")
    assert (refund["amount"], refund["payer"], refund["charge"]) == (100, "辽A12345|blue", None)
    assert (await city.money.balances())["payer:辽A12345|blue"] == -100
    await city.run()
    row = (await city.money.settlements())["mira", MONDAY]
    assert (await city.clearing(), row["state"], row["fees"]) == (0, "reconciled", 6)


async def test_less_than_we_think_is_borne_by_the_operators_it_is_about(city: City) -> None:
    async with city.database.transaction() as tx:
        first, second = await city.money.charge(tx, 100), await city.money.charge(tx, 200, operator="nord")
        payment = await city.money.pay(tx, first, second)
    city.bills.add(line(payment, 290, at=city.clock.now()))
    await city.next_day()
    with pytest.raises(UnknownDifference):
        await city.resolve(Way.LOSS, operators=["mira"])
    await city.resolve(Way.LOSS)
    balances = await city.money.balances()
    assert (balances["operator:mira"], balances["operator:nord"], await city.clearing()) == (3 - 95, 7 - 190, 0)


async def test_what_nobody_knows_is_set_aside(city: City) -> None:
    now = city.clock.now()
    _, payment = await city.money.paid(1_000)
    city.bills.add(line(payment, 1_000, at=now))
    city.bills.add(line("pay_unknown", 300, fee=2, at=now))
    await city.next_day()
    row = await city.one()
    assert (row["kind"], row["operators"], row["theirs"]) == (Kind.MISSING_HERE, [], 300)
    assert await city.states() == ["reconciled"], "no operator waits for what is nobody's"
    with pytest.raises(UnknownDifference):
        await city.resolve(Way.SUSPENSE, operators=["mira", "nord"])
    await city.resolve(Way.SUSPENSE)
    balances = await city.money.balances()
    assert (balances["suspense:"], await city.clearing(), balances["channel_fee:"]) == (-300, 0, 2)
    with pytest.raises(WrongState, match="resolved"):
        async with city.database.transaction() as tx:
            await resolve_difference(tx, row["id"], Way.SUSPENSE, reason="again", actor="operator:x", operators=None)


async def test_a_refund_that_nobody_asked_for(city: City) -> None:
    now = city.clock.now()
    _, payment = await city.money.paid(1_000)
    city.bills.add(line(payment, 1_000, at=now))
    city.bills.add(line(payment, 400, at=now, refund="rfd_unknown"))
    await city.next_day()
    row = await city.one()
    assert (row["kind"], row["payment"], row["operators"]) == (Kind.UNKNOWN_REFUND, payment, ["mira"])
    await city.resolve(Way.LOSS, operators=["mira"])
    balances = await city.money.balances()
    assert (balances["operator:mira"], balances["bank:"], await city.clearing()) == (400 - 950, 600, 0)


async def test_a_refund_of_what_nobody_knows_is_the_citys_loss(city: City) -> None:
    await city.money.paid(1_000, channel="sandbox")
    async with city.database.transaction() as tx:
        await city.money.ask(tx, await city.money.charge(tx, 1), state="closed")
    city.bills.add(line("gone", 400, at=city.clock.now(), refund="rfd_unknown"))
    await city.next_day()
    await city.resolve(Way.LOSS)
    assert ((await city.money.balances())["bad_debt:"], await city.clearing()) == (400, 0)


async def test_charged_twice_by_the_channel(city: City) -> None:
    now = city.clock.now()
    _, payment = await city.money.paid(1_000)
    for _ in range(2):
        city.bills.add(line(payment, 1_000, fee=6, at=now))
    await city.next_day()
    row = await city.one()
    assert (row["kind"], row["ours"], row["theirs"], row["payment"]) == (Kind.DOUBLED, None, 1_000, payment)
    assert await city.states() == ["frozen"]
    await city.resolve(Way.REFUND, operators=["mira"])
    await city.run()
    assert (await city.states(), await city.clearing()) == (["reconciled"], 0)
    assert (await city.money.settlements())["mira", MONDAY]["fees"] == 6, "of the one that was meant"


async def test_asking_again_moves_nothing(city: City) -> None:
    async with city.database.transaction() as tx:
        row = await city.money.charge(tx, 1_000)
        payment = await city.money.ask(tx, row)
    city.bills.add(line(payment, 900, at=city.clock.now()))
    await city.next_day()
    found = await city.one()
    assert (found["kind"], found["state"]) == (Kind.STATE, "open"), "another amount than was asked for is not believed"
    async with city.database.transaction() as tx:
        assert (await ask_about_difference(tx, found["id"], operators=["mira"]))["asked_at"] == tx.now
        assert await tx.fetchval("SELECT poll_at FROM billing.payment") == tx.now
        assert await tx.fetchval("SELECT payload FROM jobs.pgqueuer WHERE entrypoint = $1", JOB) == b"wechat 2026-11-23"


async def test_a_bill_that_was_put_right_is_read_once_more(city: City) -> None:
    """What is new in it is taken; what was found of the rest stays as it was decided."""
    now = city.clock.now()
    _, first = await city.money.paid(1_000)
    _, second = await city.money.paid(500)
    city.bills.add(line(first, 1_000, at=now))
    await city.next_day()
    assert (await city.one())["kind"] == Kind.MISSING_THERE
    city.bills.add(line(second, 500, at=now))
    again = ReadBill(city.database, CITY, cast(list[PaymentChannel], [city.bills]))
    await again.handle(b"wechat 2026-11-23")
    await again.handle(b"gone 2026-11-23")
    await city.run()
    found = await city.one()
    assert (found["state"], found["way"], found["kind"]) == ("resolved", Way.ITSELF, Kind.MISSING_THERE)
    assert (await city.states(), await city.clearing()) == (["reconciled"], 0)
    assert [row["lines"] for row in await city.rows("SELECT lines FROM billing.bill")] == [2]
