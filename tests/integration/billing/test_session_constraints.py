"""The table refuses what `billing.session_lifecycle` says cannot be, and nothing else."""

from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from billing.session_lifecycle import FOLLOWS, State, needed
from billing.sql import sessions
from kernel.db import Database, Tx
from kernel.ids import new_id
from tests.integration.billing.stays import stay

COLUMNS = ("entry_at", "exit_at", "entry_passage", "exit_passage", "amount", "fee")


def whole(tx: Tx, state: State) -> dict[str, Any]:
    """Everything that a session may have."""
    return {
        "state": state,
        "entry_at": tx.now - timedelta(hours=1),
        "exit_at": tx.now,
        "entry_passage": new_id("pas", tx.now),
        "exit_passage": new_id("pas", tx.now),
        "amount": 300,
        "fee": {"total": 300, "lines": []},
    }


@pytest.mark.parametrize("state", list(State))
async def test_a_session_needs_what_its_state_says(database: Database, state: State) -> None:
    async with database.transaction() as tx:
        await stay(tx, **whole(tx, state))
        for column in COLUMNS:
            refused = False
            try:
                async with tx.savepoint():
                    await stay(tx, **(whole(tx, state) | {column: None}))
            except asyncpg.CheckViolationError:
                refused = True
            assert refused is (column in needed(state)), column


async def test_a_passage_begins_one_stay_and_ends_one(database: Database) -> None:
    async with database.transaction() as tx:
        first = await stay(tx, **whole(tx, State.RATED))
        for column, name in (("entry_passage", "session_entry_once"), ("exit_passage", "session_exit_once")):
            with pytest.raises(asyncpg.UniqueViolationError, match=name):
                async with tx.savepoint():
                    await stay(tx, **(whole(tx, State.RATED) | {column: first[column]}))
        await stay(tx, **(whole(tx, State.CORRECTED) | {"entry_passage": first["entry_passage"]}))


async def test_steps_that_do_not_follow_are_not_written(database: Database) -> None:
    async with database.transaction() as tx:
        for state in State:
            row = await stay(tx, **whole(tx, state))
            for after in State:
                if after is state or after in FOLLOWS[state]:
                    continue
                with pytest.raises(RuntimeError, match="cannot become"):
                    await sessions.move(tx, [(row, {"state": after})])


async def test_passages_are_never_changed(database: Database) -> None:
    for statement in ("UPDATE billing.passage SET plate = 'x'", "DELETE FROM billing.passage"):
        with pytest.raises(asyncpg.CheckViolationError, match="append-only"):
            async with database.transaction() as tx:
                await tx.execute(statement)
