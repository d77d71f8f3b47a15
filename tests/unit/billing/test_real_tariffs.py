"""Fees of real tariffs: those worked out in the shared data, and our own, worked out by hand beside each case."""

import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from billing.tariffs.fee import Fee
from tests.unit.billing.cases import at, documents, fee_of, version_of

DOCUMENTS = documents()
OWN = [(name, case) for name, document in DOCUMENTS.items() for case in document.get("cases", ())]
SHARED = [name for name, document in DOCUMENTS.items() if "shared" in document]


def _adds_up(fee: Fee) -> bool:
    return sum(line.amount for line in fee.lines) == fee.total


@pytest.mark.parametrize(("name", "case"), OWN, ids=[f"{name}: {case['why']}" for name, case in OWN])
def test_our_own_cases(name: str, case: dict[str, Any]) -> None:
    fee = fee_of(DOCUMENTS[name], case)
    assert fee.total == case["expected"], fee.lines
    assert _adds_up(fee)
    zone = ZoneInfo(version_of(DOCUMENTS[name], case.get("variant")).time_zone)
    if "rises" in case:
        assert fee.rises_at == (None if case["rises"] is None else at(case["rises"], zone))
    if "changes" in case:
        assert fee.changes_at == at(case["changes"], zone)


@pytest.mark.parametrize("name", SHARED)
def test_the_worked_cases_of_the_shared_data(name: str, shared_data: Path) -> None:
    document = DOCUMENTS[name]
    worked = json.loads((shared_data / "tariffs" / f"{document['shared']}.json").read_text())
    wrong = []
    for case in worked["cases"]:
        fee = fee_of(document, case)
        if fee.total != case["expected_minor"] or not _adds_up(fee):
            wrong.append((case["n"], case["expected_minor"], fee.total))
    assert not wrong


def test_every_shared_tariff_is_written_down(shared_data: Path) -> None:
    known = {path.stem for path in (shared_data / "tariffs").glob("*.json")}
    assert known <= {DOCUMENTS[name]["shared"] for name in SHARED}


def test_there_are_twenty_other_tariffs() -> None:
    assert len({name for name, _ in OWN} - set(SHARED)) >= 20
