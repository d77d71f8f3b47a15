"""Exports: what WeChat's charging_rule and APDS rate tables say, and that they list what they leave out."""

from typing import Any

import pytest

from billing.tariffs.apds_rates import apds_rates
from billing.tariffs.charging_rule import charging_rule
from billing.tariffs.tariff import read_tariff
from tests.unit.billing.cases import documents, version_of

NAME = {"zh": "价", "en": "price"}
DOCUMENTS = documents()


def _version(plan: dict[str, Any], **rest: Any) -> Any:
    return read_tariff({"name": NAME, "plans": [{"id": "plan", **plan}], **rest})


def test_first_hour_then_half_hours_is_a_fixed_interval() -> None:
    steps = [{"amount": 500, "unit_min": 60, "until_min": 60}, {"amount": 200, "unit_min": 30}]
    version = _version(
        {
            "charge": {"kind": "units", "steps": steps},
            "free": {"minutes": 15, "charge_from": "entry"},
            "caps": [{"per": "hours", "hours": 24, "amounts": [4000], "across_visits": True}],
        },
        concessions=[
            {"id": "green", "name": NAME, "kind": "discount", "when": {"new_energy": True}, "exempt": True},
        ],
    )
    said = charging_rule(version)
    assert said.unsaid == ()
    assert said.rule == {
        "rule_type": "CHARGING_RULE_FIXED_INTERVAL",
        "fee_limit_type": "FEE_LIMIT_AGGREGATE",
        "daily_limit_type": "DAILY_LIMIT_ROLLING_24H",
        "time_rounding_type": "TIME_ROUND_UP",
        "free_entry_duration": 15,
        "free_exit_duration": 15,
        "first_charge_time_mode": "FIRST_CHARGE_TIME_MODE_ENTER",
        "fixed_interval_rule": [
            {
                "day_type": "DAY_TYPE_ALL_DAY",
                "start_time": "00:00",
                "end_time": "24:00",
                "vehicle_type": "VEHICLE_TYPE_ALL_TYPE",
                "plate_type": "PLATE_TYPE_TEMPORARY",
                "first_duration": 60,
                "first_amount": 500,
                "interval_duration": 30,
                "interval_amount": 200,
                "max_fee_per_day": 4000,
                "first_duration_mode": "FIRST_DURATION_MODE_ONLY_FIRST_DURATION",
                "free_period_charging_mode": "FREE_PERIOD_CHARGING_ONCE_PER_ENTRY",
                "free_period_calculation_mode": "FREE_PERIOD_CAL_CONCURRENT_START",
                "is_green_vehicle_free_parking": True,
            }
        ],
    }


def test_a_flat_night_beside_hours_is_segments() -> None:
    said = charging_rule(version_of(DOCUMENTS["cn-shenyang-olympic-ground"], None))
    assert said.rule["rule_type"] == "CHARGING_RULE_SEGMENT"
    night = said.rule["duration_segment_rule"][1]
    assert (night["charge_mode"], night["fixed_amount"], night["start_time"]) == ("ONE_TIME", 500, "19:00")
    assert "plans.0.caps.0" in {one.field for one in said.unsaid}  # 15.00 of the day part only
    assert "plans.0.boundary" in {one.field for one in said.unsaid}


def test_per_entry_by_day_type() -> None:
    windows = [
        {
            "id": "work",
            "days": ["workday"],
            "from_time": "00:00",
            "until_time": "24:00",
            "charge": {"kind": "flat", "amount": 500},
        },
        {
            "id": "off",
            "days": ["weekend", "holiday"],
            "from_time": "00:00",
            "until_time": "24:00",
            "charge": {"kind": "flat", "amount": 800},
        },
    ]
    rule = charging_rule(_version({"windows": windows, "boundary": "split", "when": {"classes": ["large"]}})).rule
    assert rule["rule_type"] == "CHARGING_RULE_PER_ENTRY"
    assert rule["holiday_mode"] == "HOLIDAY_MODE_LEGAL_MODY"
    assert [(row["day_type"], row["amount"], row["vehicle_type"]) for row in rule["pre_entry_rule"]] == [
        ("DAY_TYPE_WEEKDAY", 500, "VEHICLE_TYPE_LARGE"),
        ("DAY_TYPE_HOLIDAY", 800, "VEHICLE_TYPE_LARGE"),
    ]


@pytest.mark.parametrize(
    ("name", "unsaid"),
    [
        ("cn-airport-stepped-24h-caps", {"plans.0.caps.0", "plans.1.caps.0"}),
        ("us-newyork-early-bird", {"choose", "total", "lost_ticket", "currency", "plans.0.when.exit_between"}),
        ("cn-mall-quota", {"concessions.0", "plans.0.charge.steps.0.rounding"}),
        ("cn-station-drop-off", {"plans.0.max_stay", "plans.0.free.not_again_within_min"}),
    ],
)
def test_what_a_charging_rule_cannot_say_is_listed(name: str, unsaid: set[str]) -> None:
    assert unsaid <= {one.field for one in charging_rule(version_of(DOCUMENTS[name], None)).unsaid}


def test_rate_lines_of_apds() -> None:
    said = apds_rates(version_of(DOCUMENTS["de-munich-stachus"], None), table_id="sy-1", table_version=3)
    assert said.unsaid == ()
    [table] = said.tables
    assert (table["id"], table["version"]) == ("sy-1-car", 3)
    [collection] = table["rateLineCollections"]
    assert (collection["applicableCurrency"], collection["maxValueCollection"]) == ("EUR", 30.0)
    assert collection["rateLines"] == [
        {
            "sequence": 0,
            "rateLineType": "incrementingRate",
            "value": 4.0,
            "incrementPeriod": "PT1H",
            "durationStart": "PT0M",
            "durationEnd": "PT1H",
        },
        {
            "sequence": 1,
            "rateLineType": "incrementingRate",
            "value": 2.5,
            "incrementPeriod": "PT30M",
            "durationStart": "PT1H",
        },
    ]


def test_windows_are_collections_of_their_own() -> None:
    said = apds_rates(version_of(DOCUMENTS["sg-hdb-part43-2017"], None), table_id="sg")
    collections = said.tables[0]["rateLineCollections"]
    assert len(collections) == 4
    assert collections[3]["maxValueCollection"] == 5.0
    [period] = collections[0]["validity"]["validPeriods"]
    assert period["recurringTimePeriodOfDay"] == {"startTimeOfPeriod": "07:00:00", "endTimeOfPeriod": "10:00:00"}
    assert "plans.0.boundary" in {one.field for one in said.unsaid}


def test_every_tariff_has_both_forms() -> None:
    for document in DOCUMENTS.values():
        for variant in document.get("variants", {None: {}}):
            version = version_of(document, variant)
            rule = charging_rule(version).rule
            assert any(rule.get(rows) for rows in ("fixed_interval_rule", "duration_segment_rule", "pre_entry_rule"))
            assert len(apds_rates(version, table_id="t").tables) == len(version.plans)


@pytest.mark.parametrize(
    ("plan", "more", "charging", "apds"),
    [
        ({"restart": "24h", "charge": {"kind": "flat", "amount": 900}}, {}, "plans.0.restart", "plans.0.restart"),
        (
            {"caps": [{"per": "hours", "hours": 24, "amounts": [900], "after_last": "no_cap"}]},
            {},
            "plans.0.caps.0",
            "plans.0.caps.0",
        ),
        (
            {},
            {
                "concessions": [
                    {
                        "id": "green",
                        "name": {"zh": "新", "en": "new"},
                        "kind": "discount",
                        "exempt": True,
                        "when": {"new_energy": True, "classes": ["small"]},
                    }
                ]
            },
            "concessions.0",
            "concessions",
        ),
    ],
)
def test_what_holds_only_in_part_is_not_told_as_if_it_held(
    plan: dict[str, Any], more: dict[str, Any], charging: str, apds: str
) -> None:
    hour = {"kind": "units", "steps": [{"amount": 300, "unit_min": 60}]}
    version = read_tariff(
        {"name": {"zh": "价", "en": "price"}, "plans": [{"id": "plan", "charge": hour, **plan}], **more}
    )
    told = charging_rule(version)
    assert charging in {one.field for one in told.unsaid}
    assert apds in {one.field for one in apds_rates(version, table_id="t").unsaid}
    assert not any(row.get("is_green_vehicle_free_parking") for row in told.rule.get("fixed_interval_rule", ()))
