"""Fees equal those of a rater that steps through the stay minute by minute and shares nothing but the tariff's data."""

from datetime import datetime, timedelta
from typing import Any

from hypothesis import given

from app.bench.naive_rater import NaiveRater
from billing.tariffs.calendar import public_calendar
from billing.tariffs.rate import rate
from billing.tariffs.tariff import read_tariff
from tests.examples import examples
from tests.property.billing.tariffs import entries, lengths, versions


@examples(80)
@given(document=versions(), entry=entries, minutes=lengths)
def test_equals_the_naive_rater(document: dict[str, Any], entry: datetime, minutes: int) -> None:
    version = read_tariff(document)
    fee = rate(version, entry, entry + timedelta(minutes=minutes))
    assert fee.total == NaiveRater(version, public_calendar()).fee(entry, minutes)
    assert fee.total == sum(line.amount for line in fee.lines)
