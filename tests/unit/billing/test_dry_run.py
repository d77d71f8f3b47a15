"""A new version on past stays: sums, who pays more or less, what it has no plan for, the largest differences first."""

from datetime import UTC, datetime, timedelta

from billing.tariffs.dry_run import Difference, PastStay, dry_run
from billing.tariffs.fee import Vehicle
from billing.tariffs.tariff import read_tariff

NAME = {"zh": "新价", "en": "new price"}
ENTRY = datetime(2026, 3, 10, 1, tzinfo=UTC)


def _stay(number: int, minutes: int, charged: int, class_: str = "small") -> PastStay:
    return PastStay(
        id=f"ses_{number}",
        entry=ENTRY,
        exit=ENTRY + timedelta(minutes=minutes),
        charged=charged,
        vehicle=Vehicle(class_=class_),
    )


def test_a_dry_run_says_what_changes() -> None:
    hour = {"kind": "units", "steps": [{"amount": 400, "unit_min": 60}]}
    plan = {"id": "small", "when": {"classes": ["small"]}, "charge": hour, "caps": [{"per": "stay", "amounts": [1200]}]}
    past = [_stay(1, 30, 300), _stay(2, 600, 3000), _stay(3, 61, 800), _stay(4, 60, 500, "large")]
    run = dry_run(read_tariff({"name": NAME, "plans": [plan]}), past)
    assert (run.stays, run.was, run.would_be) == (3, 4100, 400 + 1200 + 800)
    assert (run.dearer, run.cheaper, run.unpriced) == (1, 1, ("ses_4",))
    assert run.largest == (Difference("ses_2", 3000, 1200), Difference("ses_1", 300, 400))
