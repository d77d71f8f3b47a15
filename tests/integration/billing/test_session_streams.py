"""Passages lost, read twice, misordered and late, in batches and transactions as they come: one ledger in the end."""

import asyncio
import random
from collections import Counter

import pytest
from msgspec.structs import replace

from billing import service as billing
from billing.confusable import resembling
from billing.rate_late import RateLate
from contracts.facts import PassageSeen
from gateway.give_order import give_order
from kernel.db import Database
from tests.integration.billing.conftest import CAR, Site
from tests.integration.billing.gates import Gates
from tests.integration.billing.tariffs import hourly, in_force

STREAMS = 12


@pytest.fixture
async def gates(site: Site) -> Gates:
    """With 3 yuan a begun hour, and passages that are a month old."""
    await in_force(site, hourly(3))
    site.clock.advance(40 * 86_400)
    return Gates(site)


def stream(gates: Gates, luck: random.Random, plate: str) -> list[PassageSeen]:
    """What was told of some stays: a tenth was lost, a tenth read twice."""
    minute, told = 0.0, []
    for _ in range(luck.randint(1, 6)):
        for direction in ("entry", "exit"):
            minute += luck.randint(3, 600)
            if luck.random() < 0.1:
                continue
            one = gates.passage(direction, CAR | {"plate": plate}, minute=minute, confidence=0.99)
            told.append(one)
            if luck.random() < 0.1:
                told.append(gates.passage(direction, CAR | {"plate": plate}, minute=minute + 0.1, confidence=0.99))
    return told


async def stays(gates: Gates, plate: str) -> Counter[tuple[str, str, str, int | None]]:
    rows = [row for row in await gates.sessions() if row["plate"] == plate]
    return Counter(
        (row["state"], str(row["entry_at"]), str(row["exit_at"]), row["amount"])
        for row in rows
        if row["state"] not in ("corrected", "matched")
    )


async def owed(gates: Gates) -> dict[str, int]:
    rows = await gates.site.rows("SELECT holder, balance FROM billing.account WHERE kind = 'payer' AND balance <> 0")
    return {row["holder"].split("|")[0]: row["balance"] for row in rows}


@pytest.mark.parametrize("seed", range(4))
async def test_any_order_ends_in_the_same_sessions_and_the_same_ledger(gates: Gates, seed: int) -> None:
    luck = random.Random(seed)
    at_once: list[PassageSeen] = []
    pieces: list[PassageSeen] = []
    for number in range(STREAMS):
        told = stream(gates, luck, f"辽B{seed}{number:02}77")
        at_once += told
        pieces += [_of(one, f"辽C{seed}{number:02}77") for one in told]
    await gates.tell(*sorted(at_once, key=lambda one: one.at))
    luck.shuffle(pieces)
    while pieces:
        size = luck.randint(1, 9)
        await gates.tell(*pieces[:size])
        del pieces[:size]
    assert await RateLate(gates.site.database, give_order).step() > 0
    debts = await owed(gates)
    assert len(debts) > STREAMS
    for number in range(STREAMS):
        plates = [f"辽{letter}{seed}{number:02}77" for letter in "BC"]
        first, second = [await stays(gates, plate) for plate in plates]
        assert _without_times_of_doubles(first) == _without_times_of_doubles(second)
        assert debts.get(plates[0]) == debts.get(plates[1])
    (books,) = await gates.site.rows("SELECT coalesce(sum(amount), 0) AS total FROM billing.entry")
    assert books["total"] == 0
    assert await gates.site.rows(NO_PAIR) == [], "billed without two passages"


NO_PAIR = """
    SELECT session.id FROM billing.session
    WHERE state IN ('rated', 'closed') AND NOT EXISTS (
        SELECT FROM billing.passage AS came, billing.passage AS went
        WHERE came.car_park = session.car_park AND went.car_park = session.car_park
            AND came.id = session.entry_passage AND went.id = session.exit_passage
            AND came.direction = 'entry' AND went.direction = 'exit'
            AND came.at = session.entry_at AND went.at = session.exit_at
    )
"""


def _of(one: PassageSeen, plate: str) -> PassageSeen:
    return replace(one, id=f"{one.id}-again", plate=plate)


def _without_times_of_doubles(
    found: Counter[tuple[str, str, str, int | None]],
) -> Counter[tuple[str, int | None]]:
    """An exit without an entry that was read twice keeps the time of the reading that came first."""
    return Counter((state, amount) for (state, _, _, amount), number in found.items() for _ in range(number))


async def test_transactions_at_the_same_time_end_as_one_after_the_other(site: Site, gates: Gates) -> None:
    """Two gateways that do not know of each other: what one has not committed the other waits for."""
    luck = random.Random(7)
    told = [one for number in range(10) for one in stream(gates, luck, f"辽B1{number:02}88")]
    expected = [_of(one, one.plate.replace("辽B", "辽C")) for one in told if one.plate is not None]
    await gates.tell(*expected)
    luck.shuffle(told)
    handler = billing.on_passages(give_order)
    database = Database(site.database.url, site.clock, connections_max=6)
    await database.open()

    async def tell(some: list[PassageSeen]) -> None:
        async with database.transaction() as tx:
            await handler(tx, some)

    try:
        await asyncio.gather(*(tell(told[first : first + 4]) for first in range(0, len(told), 4)))
    finally:
        await database.close()
    await RateLate(site.database, give_order).step()
    for number in range(10):
        first, second = [await stays(gates, f"辽{letter}1{number:02}88") for letter in "BC"]
        assert _without_times_of_doubles(first) == _without_times_of_doubles(second)


NOT_COVERED = """
    -- Billed although a passage of it no longer stands, is of another vehicle, or another one lies between them.
    SELECT session.id FROM billing.session
    JOIN billing.passage AS came ON (came.car_park, came.id) = (session.car_park, session.entry_passage)
    JOIN billing.passage AS went ON (went.car_park, went.id) = (session.car_park, session.exit_passage)
    WHERE session.state IN ('exited', 'rated', 'closed') AND (
        came.plate <> session.plate OR went.plate <> session.plate
        OR EXISTS (SELECT FROM billing.passage AS better
                   WHERE better.car_park = session.car_park AND better.supersedes IN (came.id, went.id))
        OR EXISTS (
            SELECT FROM billing.passage AS between_them
            WHERE between_them.car_park = session.car_park AND between_them.plate = session.plate
                AND between_them.at > session.entry_at + interval '10 seconds' AND between_them.at < session.exit_at
                AND NOT between_them.is_void AND NOT EXISTS (
                    SELECT FROM billing.passage AS better WHERE better.car_park = between_them.car_park
                        AND better.supersedes = between_them.id)
        )
    )
"""


@pytest.mark.parametrize("seed", range(3))
async def test_misread_plates_in_any_order_bill_nobody_for_time_that_is_not_covered(gates: Gates, seed: int) -> None:
    luck = random.Random(100 + seed)
    told: list[PassageSeen] = []
    for number in range(STREAMS):
        plate = f"辽B{number:02}8{seed}2"
        for one in stream(gates, luck, plate):
            if luck.random() < 0.25:
                misread = luck.choice(sorted(resembling(plate)))
                told.append(replace(one, plate=misread, confidence=0.5))
            else:
                told.append(one)
    luck.shuffle(told)
    while told:
        size = luck.randint(1, 9)
        await gates.tell(*told[:size])
        del told[:size]
    await RateLate(gates.site.database, give_order).step()
    assert await gates.site.rows(NO_PAIR) == []
    assert await gates.site.rows(NOT_COVERED) == []
    matched = await gates.site.rows("SELECT made_by FROM billing.passage WHERE made_by IS NOT NULL")
    assert matched, "some were matched"
    debts = await owed(gates)
    rows = await gates.site.rows(
        "SELECT plate, sum(amount) AS owed FROM billing.session WHERE state = 'rated' GROUP BY plate"
    )
    assert debts == {row["plate"]: row["owed"] for row in rows}
