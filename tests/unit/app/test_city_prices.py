"""The generated city's boards and tariffs say the same: what a driver reads is what he is charged."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from billing.city_tariffs import CITY_TARIFFS, city_tariff
from billing.tariffs.rate import rate
from billing.tariffs.tariff import read_tariff
from registry.city_kinds import AIRPORT, KINDS

PRICES = {price.id: price for kind in (*KINDS, AIRPORT) for price in kind.tariffs}


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-03-{text}").replace(tzinfo=ZoneInfo("Asia/Shanghai"))


def test_every_price_of_the_city_is_a_tariff() -> None:
    assert set(PRICES) == set(CITY_TARIFFS)


@pytest.mark.parametrize(
    ("name", "begins", "until", "yuan"),
    [
        ("first-hour-5", "10T09:00", "10T11:30", 11),
        ("first-hour-5", "10T09:00", "11T09:00", 40),
        ("half-hour-free-4", "10T09:00", "10T09:30", 0),
        ("half-hour-free-4", "10T09:00", "10T10:31", 8),
        ("half-hour-free-4", "10T09:00", "11T09:00", 50),
        ("quarter-free-5", "10T09:00", "10T10:16", 10),
        ("quarter-free-5", "10T09:00", "11T09:00", 60),
        ("mall-first-hour-5", "10T09:00", "10T10:31", 9),
        ("mall-half-hour-free-4", "10T09:00", "10T10:30", 4),
        ("mall-weekend-6", "13T12:00", "13T14:00", 8),
        ("mall-weekend-6", "14T12:00", "14T14:00", 12),
        ("mall-weekend-6", "14T00:00", "14T23:59", 48),
        ("hospital-half-hour-free-3", "10T09:00", "10T11:30", 6),
        ("hospital-hour-free-2", "10T09:00", "11T09:00", 20),
        ("hospital-day-4", "10T20:00", "10T22:00", 9),
        ("hospital-day-4", "10T07:00", "11T07:00", 30),
        ("hour-free-2", "10T09:00", "10T10:30", 2),
        ("hour-free-2", "10T09:00", "11T09:00", 15),
        ("visit-3", "10T09:00", "10T19:00", 3),
        ("homes-hour-free-2", "10T09:00", "10T10:30", 2),
        ("homes-day-2-night-5", "10T18:00", "11T08:00", 9),
        ("kerb-6", "10T20:30", "11T07:30", 12),
        ("kerb-4", "10T21:00", "11T07:00", 0),
        ("hub-5", "10T09:00", "10T09:15", 0),
        ("hub-5", "10T09:00", "12T09:00", 100),
    ],
)
def test_what_the_board_says_is_charged(name: str, begins: str, until: str, yuan: int) -> None:
    price = PRICES[name]
    version = read_tariff(city_tariff(name, {"zh": price.zh, "en": price.en}))
    assert rate(version, at(begins), at(until)).total == yuan * 100
