"""docs/reservation.md says of every field of a policy what the model says."""

from pathlib import Path
from typing import Any

from reservation.policy import Policy

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reservation.md"


def rows() -> list[str]:
    """A line of the table for each field: default, least, most, description."""
    fields: dict[str, dict[str, Any]] = Policy.model_json_schema()["properties"]
    return [
        f"| `{name}` | {said['default']:,} | {said['minimum']:,} | {said['maximum']:,} | {said['description']} |"
        for name, said in fields.items()
    ]


def test_the_table_of_policies_is_the_model() -> None:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    table = [line for line in lines if line.startswith("| `") and line.count("|") == 6]
    assert table == rows()
