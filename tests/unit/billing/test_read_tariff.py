"""Tariffs that cannot be are refused by field, with advice; the schema is fit for an editor; reading undoes writing."""

from typing import Any

import pytest

from billing.tariffs.tariff import TariffRefused, TariffVersion, read_tariff, tariff_schema
from tests.unit.billing.cases import documents

HOUR = {"kind": "units", "steps": [{"amount": 300, "unit_min": 60}]}
NAME = {"zh": "价", "en": "price"}


def _with_plan(**plan: Any) -> dict[str, Any]:
    return {"name": NAME, "plans": [{"id": "plan", **plan}]}


def _steps(*steps: dict[str, Any]) -> dict[str, Any]:
    return _with_plan(charge={"kind": "units", "steps": list(steps)})


_DAY = {"id": "day", "from_time": "08:00", "until_time": "20:00", "charge": HOUR}
REFUSED = [
    ({}, "name", "it is needed"),
    (_with_plan(), "plans.0", "either a charge for all hours or windows"),
    (_with_plan(charge=HOUR, windows=[_DAY]), "plans.0", "either a charge for all hours or windows"),
    (_with_plan(windows=[_DAY]), "plans.0", "say carry"),
    (_with_plan(windows=[_DAY, _DAY], boundary="split"), "plans.0", "same id"),
    (_with_plan(windows=[{**_DAY, "until_time": "8pm"}], boundary="split"), "plans.0.windows.0.until_time", "HH:MM"),
    (
        _with_plan(windows=[{**_DAY, "days": ["holliday"]}], boundary="split"),
        "plans.0.windows.0.days.0",
        "no kind of day",
    ),
    (_with_plan(windows=[{**_DAY, "days": ["set:fair"]}], boundary="split"), "tariff", "calendar.sets"),
    (_steps({"amount": 3.5, "unit_min": 60}), "plans.0.charge.steps.0.amount", "minor units"),
    (_steps({"amount": -1, "unit_min": 60}), "plans.0.charge.steps.0.amount", "greater than or equal to 0"),
    (_steps({"amount": 1, "unit_min": 60, "until_min": 60}), "plans.0.charge", "must be null in the last step"),
    (_steps({"amount": 1, "unit_min": 60}, {"amount": 1, "unit_min": 60}), "plans.0.charge", "until_min is missing"),
    (
        _steps({"amount": 1, "unit_min": 60, "until_min": 90}, {"amount": 1, "unit_min": 60}),
        "plans.0.charge",
        "no whole number",
    ),
    (_steps({"amount": 1, "unit_min": 60, "prorate_min": 7}), "plans.0.charge.steps.0", "does not divide"),
    (
        _steps({"amount": 1, "unit_min": 60, "counts_after_min": 60}),
        "plans.0.charge.steps.0",
        "no unit would ever",
    ),
    (_with_plan(charge={"kind": "hourly"}), "plans.0.charge", "units, totals, flat"),
    (
        _with_plan(charge={"kind": "totals", "bands": [{"until_min": 60, "total": 5}, {"until_min": 90, "total": 4}]}),
        "plans.0.charge",
        "no later total may be lower",
    ),
    (_with_plan(charge=HOUR, caps=[{"per": "hours", "amounts": [1]}]), "plans.0.caps.0", "e.g. 24"),
    (_with_plan(charge=HOUR, caps=[{"per": "day"}]), "plans.0.caps.0", "either amounts"),
    (_with_plan(charge=HOUR, caps=[{"per": "window", "amounts": [1]}]), "plans.0", "must name windows"),
    (_with_plan(charge=HOUR, colour="red"), "plans.0.colour", "no such field"),
    (_with_plan(charge=HOUR, when={"permits": ["staff"]}), "tariff", "add it under concessions"),
    ({**_with_plan(charge=HOUR), "time_zone": "Asia/Shenyang"}, "time_zone", "IANA"),
    ({**_with_plan(charge=HOUR), "calendar": {"country": "XX"}}, "tariff", "ISO 3166-1"),
    (
        {**_with_plan(charge=HOUR), "concessions": [{"id": "a", "name": NAME, "kind": "coupon"}]},
        "concessions.0",
        "takes nothing off",
    ),
]


@pytest.mark.parametrize(("document", "field", "advice"), REFUSED, ids=[f"{one[1]}: {one[2]}" for one in REFUSED])
def test_what_cannot_be_is_refused_by_field(document: dict[str, Any], field: str, advice: str) -> None:
    with pytest.raises(TariffRefused) as refused:
        read_tariff(document)
    [refusal] = refused.value.refusals if field != "name" else refused.value.refusals[:1]
    assert refusal.field == field
    assert advice in refusal.advice


def test_every_field_of_the_schema_has_a_title_and_most_a_description() -> None:
    schema = tariff_schema()
    bare = [
        f"{name}.{field}"
        for name, model in {**schema["$defs"], "TariffVersion": schema}.items()
        for field, described in model.get("properties", {}).items()
        if "title" not in described and "$ref" not in described and "const" not in described
    ]
    assert not bare
    assert schema["properties"]["plans"]["minItems"] == 1


def test_the_schema_accepts_every_tariff_and_refuses_what_is_no_tariff() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    validator = jsonschema.Draft202012Validator(tariff_schema())
    for document in documents().values():
        for tariff in [document.get("tariff"), *(one.get("tariff") for one in document.get("variants", {}).values())]:
            if tariff is not None:
                assert validator.is_valid(tariff)
    assert not validator.is_valid(_with_plan(charge={"kind": "hourly"}))
    assert not validator.is_valid(_steps({"amount": 3.5, "unit_min": 60}))


def test_what_was_read_can_be_written_and_read_again() -> None:
    for document in documents().values():
        for tariff in [document.get("tariff"), *(one.get("tariff") for one in document.get("variants", {}).values())]:
            if tariff is not None:
                version = read_tariff(tariff)
                assert read_tariff(version.model_dump_json()) == version
                assert TariffVersion.model_validate(version.model_dump()) == version
