"""Whatever happens to a vehicle's charges, in any order: what stands against its credit is what they say now."""

import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from billing.charges import (
    accept_charge,
    adjust_charge,
    dispute_charge,
    pay_charge,
    refuse_charge,
    remind_of_charge,
    uphold_charge,
    void_charge,
    write_off_charge,
)
from billing.eligibility import AgreementState, Known
from billing.errors import WrongState
from billing.sql import charges
from billing.sql.standing import standing
from kernel.clock import ManualClock
from kernel.db import Database, Row, Tx
from tests.integration.billing.stays import COLOR, PARK, PLATE, agreement, owed, stay

STEPS = 40


def _steps(chance: random.Random) -> dict[str, Callable[[Tx, Row], Awaitable[Any]]]:
    """What may happen to a charge; where it cannot follow, nothing does."""
    return {
        "pay": lambda tx, row: pay_charge(
            tx, row, row["amount"] - row["paid"], payment=f"pay_{row['id']}", channel="sandbox"
        ),
        "accept": lambda tx, row: accept_charge(tx, row, channel="sandbox"),
        "refuse": lambda tx, row: refuse_charge(tx, row, channel="sandbox", error="no"),
        "dispute": lambda tx, row: dispute_charge(tx, row, actor="driver:ann", reason="no"),
        "uphold": lambda tx, row: uphold_charge(tx, row, actor="operator:x", reason="yes"),
        "adjust": lambda tx, row: adjust_charge(
            tx, row, chance.randint(1, row["amount"]), actor="operator:x", reason="less"
        ),
        "void": lambda tx, row: void_charge(tx, row, actor="operator:x", reason="never"),
        "remind": lambda tx, row: remind_of_charge(tx, row, level=row["level"] + 1, remind_at=None),
        "write off": lambda tx, row: write_off_charge(tx, row, actor="billing", reason="old"),
    }


def expected(rows: list[Row], now: Any) -> Known:
    """By every charge of the vehicle, read one by one."""
    unpaid = [
        row for row in rows if row["state"] in ("due", "overdue", "adjusted", "written_off") and row["due_at"] <= now
    ]
    return Known(
        agreement=AgreementState.ACTIVE,
        unpaid=len(unpaid),
        amount_unpaid=sum(row["amount"] - row["paid"] for row in unpaid),
        disputed=sum(row["state"] == "disputed" for row in rows),
    )


@pytest.mark.parametrize("seed", range(6))
async def test_what_stands_against_a_vehicle_is_what_its_charges_say(
    database: Database, clock: ManualClock, seed: int
) -> None:
    chance = random.Random(seed)
    steps = _steps(chance)
    async with database.transaction() as tx:
        await agreement(tx)
    for _ in range(STEPS):
        clock.advance(chance.choice((0, 3600, 86_400)))
        async with database.transaction() as tx:
            if chance.random() < 0.3:
                left = await stay(tx, car_park=chance.choice((PARK, "sy-2", "sy-3")))
                due_at = tx.now + timedelta(hours=chance.choice((0, 24)))
                await owed(tx, left, chance.randint(1, 5_000), due_at=due_at)
            rows = await tx.fetch("SELECT id FROM billing.charge")
            if rows:
                (row,) = await charges.lock(tx, [chance.choice(rows)["id"]])
                with suppress(WrongState):
                    await steps[chance.choice(sorted(steps))](tx, row)
        async with database.transaction(readonly=True) as tx:
            known = (await standing(tx, "sy-9", plate=PLATE, color=COLOR)).known
            assert known == expected(await tx.fetch("SELECT * FROM billing.charge"), tx.now)
