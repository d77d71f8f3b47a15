"""Code and schema name the same states, kinds and ways; and a day has no way back."""

import re
from enum import StrEnum
from pathlib import Path

import pytest

import migrations
from billing.channels.protocol import LineKind
from billing.ledger import KEPT, AccountKind
from billing.matching import Kind, Way
from billing.settlement_lifecycle import STEPS, State

SCHEMA = "".join(path.read_text() for path in sorted(Path(migrations.__path__[0]).glob("003*.sql")))


def words(constraint: str) -> set[str]:
    """Of the last CHECK of that name."""
    told = re.findall(rf"{constraint} CHECK \(\w+\s+IN\s+\(([^)]*)\)", SCHEMA)
    return set(re.findall(r"'(\w+)'", told[-1]))


@pytest.mark.parametrize(
    ("constraint", "kinds"),
    [
        ("settlement_state_known", State),
        ("difference_kind_known", Kind),
        ("difference_way_known", Way),
        ("difference_item_known", LineKind),
        ("bill_line_kind_known", LineKind),
        ("account_kind_known", AccountKind),
    ],
)
def test_the_schema_knows_the_same_words(constraint: str, kinds: type[StrEnum]) -> None:
    assert words(constraint) == {kind.value for kind in kinds}


def test_balances_are_kept_of_the_same_accounts() -> None:
    (told,) = re.findall(r"account_balance_kept CHECK \(\(balance IS NOT NULL\) = \(kind IN \(([^)]*)\)", SCHEMA)
    assert set(re.findall(r"'(\w+)'", told)) == {kind.value for kind in KEPT}


def test_a_day_ends_paid_out_and_is_held_only_between() -> None:
    assert STEPS.keys() == set(State)
    assert STEPS[State.PAID_OUT] == frozenset()
    assert (
        {state for state in State if State.HELD in STEPS[state]}
        == STEPS[State.HELD]
        == {State.FROZEN, State.RECONCILED}
    )
