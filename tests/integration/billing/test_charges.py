"""The steps of a charge over a real database: what each leaves in the row, the events and the ledger."""

from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from billing.charges import (
    NewCharge,
    adjust_charge,
    owed,
    pay_charge,
    raise_charge,
    refund_charge,
    remind_of_charge,
    void_charge,
    write_off_charge,
)
from billing.errors import WrongState
from billing.ledger import Account, AccountKind, Journal, Posting, rated
from billing.post import post
from billing.sql import charges as sql
from kernel.db import Database, Row, Tx

PENDING = Account(AccountKind.OPERATOR_PENDING, "mira")


async def charged(tx: Tx, amount: int = 1200, **changes: Any) -> Row:
    """A fee for a late cancellation, which needs no session."""
    wanted = {
        "kind": "cancellation",
        "reservation": "rsv_1",
        "car_park": "sy-1",
        "operator": "mira",
        "plate": "辽A12345",
        "color": "blue",
        "amount": amount,
        "lines": [],
        "begins": tx.now,
        "ends": tx.now + timedelta(hours=1),
        "due_at": tx.now,
    }
    return await raise_charge(tx, NewCharge(**{**wanted, **changes}))


async def balances(tx: Tx) -> dict[str, int]:
    """Of every account that is not even, by the entries; the kept ones must agree."""
    rows = await tx.fetch(
        """SELECT kind, holder, balance, sum(amount)::bigint AS total
           FROM billing.account JOIN billing.entry ON entry.account = account.id GROUP BY account.id"""
    )
    assert all(row["balance"] in (None, row["total"]) for row in rows)
    return {f"{row['kind']}:{row['holder']}": row["total"] for row in rows if row["total"]}


async def test_owed_paid_and_partly_given_back(database: Database) -> None:
    async with database.transaction() as tx:
        row = await charged(tx)
        assert await balances(tx) == {"payer:辽A12345|blue": 1200, "operator_pending:mira": -1200}
        row = await pay_charge(tx, row, 1200, payment="pay_1", channel="sandbox")
        assert (row["state"], row["paid"], row["version"]) == ("paid", 1200, 2)
        assert await balances(tx) == {"channel_clearing:sandbox": 1200, "operator_pending:mira": -1200}
        row = await refund_charge(
            tx, row, 500, (Posting(PENDING, 500),), refund="rfd_1", channel="sandbox", actor="operator:x"
        )
        assert (row["state"], row["refunded"]) == ("part_refunded", 500)
        assert await balances(tx) == {"channel_clearing:sandbox": 700, "operator_pending:mira": -700}
        with pytest.raises(WrongState, match="700 can be given back"):
            await refund_charge(tx, row, 701, (Posting(PENDING, 701),), refund="rfd_2", channel="sandbox", actor="x")
        events = await tx.fetch("SELECT kind, version FROM billing.charge_event ORDER BY number")
        assert [tuple(event) for event in events] == [("raised", 1), ("paid", 2), ("refunded", 3)]


async def test_a_quote_is_in_no_ledger_until_it_is_paid(database: Database) -> None:
    async with database.transaction() as tx:
        row = await charged(tx, quote_good_until=tx.now + timedelta(minutes=15))
        assert (row["state"], await balances(tx)) == ("quoted", {})
        await pay_charge(tx, row, 1200, payment="pay_1", channel="sandbox")
        assert await balances(tx) == {"channel_clearing:sandbox": 1200, "operator_pending:mira": -1200}


async def test_less_is_owed_after_an_objection_and_nothing_after_void(database: Database) -> None:
    async with database.transaction() as tx:
        row = await adjust_charge(tx, await charged(tx), 300, actor="operator:x", reason="barrier was stuck")
        assert await balances(tx) == {"payer:辽A12345|blue": 300, "operator_pending:mira": -300}
        await void_charge(tx, row, actor="operator:x", reason="the camera read the wrong plate")
        assert await balances(tx) == {}


async def test_what_was_written_off_may_still_be_paid(database: Database) -> None:
    async with database.transaction() as tx:
        row = await remind_of_charge(tx, await charged(tx), level=1, remind_at=None)
        row = await write_off_charge(tx, row, actor="billing", reason="a year old")
        assert await balances(tx) == {"bad_debt:": 1200, "operator_pending:mira": -1200}
        await pay_charge(tx, row, 1200, payment="pay_1", channel="sandbox")
        assert await balances(tx) == {"channel_clearing:sandbox": 1200, "operator_pending:mira": -1200}


async def test_a_step_on_an_older_row_is_refused(database: Database) -> None:
    async with database.transaction() as tx:
        row = await charged(tx)
        await pay_charge(tx, row, 1200, payment="pay_1", channel="sandbox")
        with pytest.raises(WrongState, match="at the same moment"):
            await pay_charge(tx, row, 1200, payment="pay_2", channel="sandbox")
        (again,) = await sql.lock(tx, [row["id"]])
        with pytest.raises(WrongState, match="0 is open"):
            await pay_charge(tx, again, 1200, payment="pay_2", channel="sandbox")


async def test_a_journal_is_written_once(database: Database) -> None:
    async with database.transaction() as tx:
        row = await charged(tx)
        again = rated(owed(row), 1200)
        assert not await post(tx, again)
        assert await balances(tx) == {"payer:辽A12345|blue": 1200, "operator_pending:mira": -1200}


async def test_the_database_refuses_what_does_not_balance(database: Database) -> None:
    with pytest.raises(ValueError, match="does not balance"):
        Journal(key="x", kind="x", postings=(Posting(PENDING, 1),))
    with pytest.raises(asyncpg.CheckViolationError, match="out by 5"):
        async with database.transaction() as tx:
            await charged(tx)
            await tx.execute("INSERT INTO billing.account (kind, holder) VALUES ('bank', '')")
            await tx.execute(
                "INSERT INTO billing.entry (journal, account, amount)"
                " SELECT max(journal.id), max(account.id), 5 FROM billing.journal, billing.account"
            )


async def test_what_is_in_the_ledger_stays(database: Database) -> None:
    async with database.transaction() as tx:
        await charged(tx)
    for statement in ("UPDATE billing.entry SET amount = 1", "DELETE FROM billing.journal", "TRUNCATE billing.entry"):
        with pytest.raises(asyncpg.CheckViolationError, match="append-only"):
            async with database.transaction() as tx:
                await tx.execute(statement)
