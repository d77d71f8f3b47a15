"""Days of payments and refunds, a third of them wrong in some way: all is found, none invented, everything resolved."""

import asyncio
import random
from collections import Counter
from datetime import datetime, timedelta

import pytest

from billing.business_day import day_of
from billing.matching import Kind, Way
from billing.resolve_difference import resolve_difference
from billing.sql import charges
from kernel.clock import ManualClock
from kernel.db import Database
from tests.integration.billing.billed_city import DAY, HOUR, City
from tests.integration.billing.day_of_money import CITY, line

FAULTS: list[Kind | None] = [*[None] * 14, *Kind]


@pytest.fixture
async def city(database: Database, clock: ManualClock) -> City:
    made = City(database, clock)
    await made.money.lay_out()
    return made


async def test_several_workers_settle_at_once(city: City) -> None:
    """Each bill is taken, each line booked, each day split and reconciled by one of them, or none twice."""
    chance, seeded = random.Random(7), Counter[tuple[str, str]]()
    for _ in range(40):
        city.clock.advance(chance.randrange(60, 1_000))
        await _something(city, chance, seeded)
    city.clock.advance(DAY)
    await asyncio.gather(*[city.run() for _ in range(3)])
    city.clock.advance(DAY)
    await asyncio.gather(*[city.run() for _ in range(3)])
    assert Counter((row["kind"], row["number"]) for row in await city.differences()) == seeded
    (told,) = await city.rows(
        "SELECT count(*) AS lines, count(*) FILTER (WHERE is_booked) AS booked,"
        " (SELECT count(*) FROM billing.journal WHERE kind = 'bill') AS journals FROM billing.bill_line"
    )
    assert told["lines"] == told["booked"] == told["journals"] > 30
    for row in [row for row in await city.differences() if row["state"] == "open"]:
        async with city.database.transaction() as tx:
            await resolve_difference(tx, row["id"], Way.SUSPENSE, reason="seeded", actor="operator:x", operators=None)
    await asyncio.gather(*[city.run() for _ in range(3)])
    assert (set(await city.states()), await city.clearing()) == ({"reconciled"}, 0)
    await city.is_whole()


@pytest.mark.parametrize("seed", range(4))
async def test_every_seeded_difference_is_found_and_none_is_invented(city: City, seed: int) -> None:
    """Three days of payments and refunds, a third of them wrong in some way."""
    chance = random.Random(seed)
    seeded: Counter[tuple[str, str]] = Counter()
    for _ in range(3):
        for _ in range(30):
            city.clock.advance(chance.randrange(60, 1_500))
            await _something(city, chance, seeded)
        city.clock.advance((16 * HOUR - _since_eight(city.clock.now())) % DAY or DAY)  # to eight the next morning
        await city.run()
    await city.next_day()
    await city.next_day()
    found = await city.differences()
    assert Counter((row["kind"], row["number"]) for row in found) == seeded
    by_itself = {row["kind"] for row in found if row["way"] == Way.ITSELF}
    assert by_itself <= {Kind.LATE, Kind.STATE}
    assert {row["kind"] for row in found if row["state"] == "open"}.isdisjoint(by_itself)
    for row in found:
        if row["state"] == "open":
            async with city.database.transaction() as tx:
                await resolve_difference(
                    tx, row["id"], Way.SUSPENSE, reason="seeded", actor="operator:x", operators=None
                )
    assert await city.clearing() == 0, "what the bank has is what the bills say, and the rest is set aside"
    await city.next_day()
    assert set(await city.states()) == {"reconciled"}
    await city.is_whole()


def _since_eight(moment: datetime) -> int:
    return (moment.hour * HOUR + moment.minute * 60 + moment.second + 8 * HOUR) % DAY


async def _something(city: City, chance: random.Random, seeded: Counter[tuple[str, str]]) -> None:
    """A charge that is paid, or partly given back, and what the bill makes of it."""
    now, amount = city.clock.now(), chance.randrange(1, 5_000)
    fault = chance.choice(FAULTS)
    operator = chance.choice(["mira", "nord"])
    fee = amount * 6 // 1_000
    if fault is Kind.MISSING_HERE:
        city.bills.add(line(f"unknown_{now.timestamp()}", amount, fee=fee, at=now))
        seeded[fault, f"unknown_{now.timestamp()}"] += 1
        return
    if fault is Kind.STATE:
        async with city.database.transaction() as tx:
            payment = await city.money.ask(tx, await city.money.charge(tx, amount, operator=operator), state="closed")
        city.bills.add(line(payment, amount, fee=fee, at=now))
        seeded[fault, payment] += 1
        return
    charge, payment = await city.money.paid(amount, operator=operator)
    match fault:
        case Kind.MISSING_THERE:
            seeded[fault, payment] += 1
        case Kind.LATE:
            city.bills.add(line(payment, amount, fee=fee, at=now), day=day_of(now, CITY) + timedelta(days=1))
            seeded[fault, payment] += 1
        case Kind.AMOUNT:
            city.bills.add(line(payment, amount + chance.choice([-1, 1, 100]), fee=fee, at=now))
            seeded[fault, payment] += 1
        case _:
            city.bills.add(line(payment, amount, fee=fee, at=now))
    if fault is Kind.DOUBLED:
        city.bills.add(line(payment, amount, fee=fee, at=now))
        seeded[fault, payment] += 1
    if fault is Kind.UNKNOWN_REFUND:
        city.bills.add(line(payment, amount, at=now, refund=f"unknown_{payment}"))
        seeded[fault, f"unknown_{payment}"] += 1
    if fault is None and chance.random() < 0.3:
        part = chance.randrange(1, amount + 1)
        refund = await city.money.give_back(charge, payment, part)
        city.bills.add(line(payment, part, fee=-(part * 6 // 1_000), at=now, refund=refund))
        async with city.database.transaction() as tx:
            (row,) = await charges.lock(tx, [charge])
            assert row["refunded"] == part
