"""docs/tariffs.md says what is so: every example is a tariff, and every fee below it is its fee."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from billing.tariffs.explain import money
from tests.unit.billing.cases import fee_of

PAGE = Path(__file__).resolve().parents[3] / "docs" / "tariffs.md"
_BLOCK = re.compile(r"```json\n([\s\S]*?)```\n((?:- .*\n)*)")
_FEE = re.compile(r"- `([\d-]+) ([\d:]+)` to `([\d-]+) ([\d:]+)`: \*\*([\d.]+)\*\*(?:.*with `(\{.*\})`)?")


def _examples() -> list[tuple[dict[str, Any], dict[str, Any], str]]:
    found = []
    for block, fees in _BLOCK.findall(PAGE.read_text()):
        document = json.loads(block)
        if "plans" not in document:
            document = {"name": {"zh": "示例", "en": "example"}, "plans": [{"id": "plan", **document}]}
        for line in fees.splitlines():
            said = _FEE.match(line)
            assert said, line
            entry_day, entry, exit_day, left, costs, options = said.groups()
            case = {"entry": f"{entry_day}T{entry}", "exit": f"{exit_day}T{left}", **json.loads(options or "{}")}
            found.append(({"tariff": document}, case, costs))
    return found


EXAMPLES = _examples()


@pytest.mark.parametrize(("document", "case", "costs"), EXAMPLES, ids=[str(one[1]) for one in EXAMPLES])
def test_an_example_costs_what_the_page_says(document: dict[str, Any], case: dict[str, Any], costs: str) -> None:
    fee = fee_of(document, case)
    assert money(fee.total, 2) == costs, fee.lines


def test_every_example_has_a_fee() -> None:
    text = PAGE.read_text()
    assert len(EXAMPLES) >= 44
    assert text.count("```json") == len([fees for _, fees in _BLOCK.findall(text) if fees])
