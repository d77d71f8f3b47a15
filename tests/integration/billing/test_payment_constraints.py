"""The tables refuse what the lifecycles do: a payment, a part, a refund, a notification that cannot be."""

from typing import Any

import asyncpg
import pytest

from billing.pay import Payer, pay_now
from billing.payment_lifecycle import REFUND_UNDER_WAY, UNDER_WAY, RefundState, State
from kernel.clock import ManualClock
from kernel.db import Database
from tests.integration.billing.test_payments import Till, owes


@pytest.fixture
def till(database: Database, clock: ManualClock) -> Till:
    return Till(database, clock)


async def refused(till: Till, statement: str, *arguments: Any) -> str | None:
    try:
        async with till.database.transaction() as tx:
            await tx.execute(statement, *arguments)
            raise UndoneError
    except UndoneError:
        return None
    except asyncpg.IntegrityConstraintViolationError as violation:
        return violation.constraint_name


class UndoneError(Exception):
    """It was possible, and is undone."""


async def test_only_what_is_under_way_is_asked_for(till: Till) -> None:
    await till.pay(await owes(till))
    for state in State:
        said = await refused(
            till,
            "UPDATE billing.payment SET state = $1, succeeded_at = CASE WHEN $1 = 'succeeded' THEN now() END",
            state,
        )
        assert said == (None if state in UNDER_WAY else "payment_polled_while_under_way"), state
    assert await refused(till, "UPDATE billing.payment SET state = 'lost', poll_at = NULL") == "payment_state_known"
    done = "UPDATE billing.payment SET state = 'succeeded', poll_at = NULL"
    assert await refused(till, done) == "payment_succeeded_when"


async def test_refunds_are_of_something_and_end(till: Till) -> None:
    await till.pay(await owes(till))
    insert = (
        "INSERT INTO billing.refund (id, payment, charge, payer, out_refund_no, amount, state, reason, actor, poll_at,"
        " created_at, updated_at) SELECT 'rfd_1', id, $1, $2, 'r1', 1, $3, 'x', 'x', now(), now(), now()"
        " FROM billing.payment"
    )
    assert await refused(till, insert, None, None, "created") == "refund_of_something"
    for state in RefundState:
        said = await refused(till, insert, None, "辽A12345|blue", state)
        assert said == (None if state in REFUND_UNDER_WAY else "refund_polled_while_under_way"), state


async def test_a_charge_takes_one_payment_and_no_more_than_its_part(till: Till) -> None:
    charge = await owes(till)
    await till.pay(charge)
    async with till.database.transaction() as tx:
        await pay_now(tx, [charge], Payer(driver="ben", plate="辽A12345", color="blue"), till.sandbox)
    assert await refused(till, "UPDATE billing.payment_charge SET paid = amount") == "payment_charge_paid_once"
    assert await refused(till, "UPDATE billing.payment_charge SET paid = amount + 1") == "payment_charge_paid_range"


async def test_a_number_is_used_once(till: Till) -> None:
    await till.pay(await owes(till))
    again = (
        "INSERT INTO billing.payment (id, way, channel, out_trade_no, amount, state, ordered, created_at, updated_at)"
        " SELECT 'pay_2', way, channel, out_trade_no, amount, state, ordered, now(), now() FROM billing.payment"
    )
    assert await refused(till, again) == "payment_out_trade_no_once"
