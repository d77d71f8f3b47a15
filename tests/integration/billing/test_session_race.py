"""Passages, operators, payments and sweeps move the same stays at the same time: nobody waits in a circle, nothing is
billed twice, and the books say what the charges say.
"""

import asyncio
import random
from collections.abc import Awaitable
from typing import Any

import pytest

from billing.close_sessions import close_sessions
from billing.credit import give_back_excess
from billing.doubt_sessions import doubt_sessions
from billing.rate_late import RateLate
from contracts.facts import PassageSeen
from gateway.give_order import give_order
from tests.integration.billing.conftest import CAR, MIRA, PARK, Site, park
from tests.integration.billing.gates import Gates
from tests.integration.billing.tariffs import hourly, in_force

WHY = {"reason": "race"}
BOOKS = """
    -- A payer's balance is what is asked of him, less what was paid for nothing and is on its way back.
    SELECT account.holder, account.balance, owed.amount AS owed, surplus.amount AS surplus
    FROM billing.account
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(charge.amount - charge.paid), 0) AS amount FROM billing.charge
        WHERE charge.plate || '|' || coalesce(charge.color, '') = account.holder
            AND charge.state IN ('due', 'accepted', 'overdue', 'disputed', 'adjusted')
    ) AS owed
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(refund.amount), 0) AS amount FROM billing.refund
        WHERE refund.charge IS NULL AND refund.payer = account.holder AND refund.state <> 'succeeded'
    ) AS surplus
    WHERE account.kind = 'payer' AND account.balance <> owed.amount - surplus.amount
"""


@pytest.fixture
async def gates(site: Site) -> Gates:
    """Two car parks with 3 yuan a begun hour."""
    await site.put("/v1/operator/car-parks/sy-2", park(name={"zh": "二", "en": "two"}))
    await in_force(site, hourly(3))
    answer = await site.post("/v1/operator/car-parks/sy-2/tariffs", hourly(3), who=MIRA)
    assert answer.status == 201, answer.raw
    site.clock.advance(20 * 86_400)
    return Gates(site)


async def test_everybody_at_once(site: Site, gates: Gates) -> None:
    luck = random.Random(5)
    told: list[PassageSeen] = []
    for number in range(12):
        for car_park in (PARK, "sy-2"):
            minute = float(luck.randint(0, 600))
            for direction in ("entry", "exit") * 3:
                minute += luck.randint(20, 400)
                if luck.random() > 0.15:
                    vehicle = CAR | {"plate": f"辽A{number:02}33{luck.choice('3333E')}"}
                    told.append(gates.passage(direction, vehicle, minute=minute, car_park=car_park))
    luck.shuffle(told)
    batches = [told[first : first + 7] for first in range(0, len(told), 7)]
    late = RateLate(site.database, give_order)
    while batches:
        some, batches = batches[:3], batches[3:]
        rows = await gates.sessions()
        work: list[Awaitable[Any]] = [gates.tell(*batch) for batch in some]
        work += [late.step(), doubt_sessions(site.database), close_sessions(site.database), gates.pay()]
        for row in luck.sample(rows, min(3, len(rows))):
            verb = luck.choice(("void", "pass-free", "rate"))
            work.append(site.post(f"/v1/operator/sessions/{row['id']}/{verb}", WHY, who=MIRA))
            passage = row["entry_passage"] or row["exit_passage"]
            path = f"/v1/operator/car-parks/{row['car_park']}/passages/{passage}/void"
            work.append(site.post(path, WHY, who=MIRA))
        answers = await asyncio.gather(*work)
        assert {answer.status for answer in answers if hasattr(answer, "status")} <= {200, 404, 409}
        for row in await gates.sessions():
            await give_back_excess(site.database, row["id"])
    while await late.step():
        pass
    assert await site.rows(BOOKS) == []
    (undone,) = await site.rows("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    assert undone["deadlocks"] == 0
    for row in await site.rows(GIVEN_BACK):
        assert row["given"] <= row["paid"]
    once = (
        "SELECT car_park, {0} FROM billing.session WHERE state IN ('rated', 'closed') GROUP BY 1, 2 HAVING count(*) > 1"
    )
    for column in ("entry_passage", "exit_passage"):
        assert await site.rows(once.format(column)) == []
    assert len(await gates.sessions()) > 60


GIVEN_BACK = """
    SELECT charge.id, charge.paid, coalesce(sum(refund.amount), 0) AS given
    FROM billing.charge LEFT JOIN billing.refund ON refund.charge = charge.id GROUP BY charge.id
"""
