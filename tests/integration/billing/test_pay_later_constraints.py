"""The tables say of charges, agreements and objections what the code says."""

import re
from typing import get_args

import pytest

from billing.charge_lifecycle import OWED, State
from billing.eligibility import AgreementState
from billing.http.charges import DisputeKind
from billing.http.operator_disputes import DisputeState
from billing.sql.charge_lists import UNPAID
from kernel.db import Database

CHECKS = {
    "charge_state_known": set(State),
    "agreement_state_known": set(AgreementState),
    "dispute_kind_known": set(get_args(DisputeKind)),
    "dispute_state_known": set(get_args(DisputeState)),
}
INDEXES = {
    "charge_session_once": OWED,
    "charge_owed": OWED,
    "charge_unpaid": set(UNPAID),
    "charge_to_remind": {State.DUE, State.OVERDUE, State.ADJUSTED},
    "agreement_one_for_a_vehicle": {AgreementState.PENDING, AgreementState.ENDED},
}


async def words(database: Database, statement: str, name: str) -> set[str]:
    """The states that it names."""
    async with database.transaction(readonly=True) as tx:
        return set(re.findall(r"'(\w+)'", await tx.fetchval(statement, name)))


@pytest.mark.parametrize("name", CHECKS)
async def test_a_state_of_the_code_is_one_of_the_table(database: Database, name: str) -> None:
    statement = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = $1"
    assert await words(database, statement, name) == CHECKS[name]


@pytest.mark.parametrize("name", INDEXES)
async def test_an_index_is_of_the_states_for_which_it_is_asked(database: Database, name: str) -> None:
    statement = "SELECT pg_get_expr(indpred, indrelid) FROM pg_index WHERE indexrelid = ('billing.' || $1)::regclass"
    assert await words(database, statement, name) == INDEXES[name]
