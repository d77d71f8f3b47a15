"""A tariff in a sentence: what a board says."""

from typing import Any

import pytest

from billing.city_tariffs import city_tariff
from billing.tariffs.in_short import in_short
from billing.tariffs.tariff import read_tariff

NAME = {"zh": "价", "en": "price"}
HOUR = {"kind": "units", "steps": [{"amount": 300, "unit_min": 60}]}


@pytest.mark.parametrize(
    ("name", "zh", "en"),
    [
        (
            "half-hour-free-4",
            "前30分钟免费，每小时4元，24小时封顶50元",
            "30 min free, 4 yuan an hour, at most 50 yuan in 24 h",
        ),
        (
            "mall-first-hour-5",
            "首小时5元，之后每30分钟2元，24小时封顶40元",
            "5 yuan for the first hour, then 2 yuan per 30 min, at most 40 yuan in 24 h",
        ),
        (
            "mall-weekend-6",
            "周末及节假日每小时6元，工作日每小时4元，每日封顶48元",
            "weekends and holidays 6 yuan an hour, workdays 4 yuan an hour, at most 48 yuan a day",
        ),
        ("kerb-6", "白天07:00至21:00每小时6元，其他时间免费", "day 07:00 to 21:00 6 yuan an hour, free at other times"),
        (
            "homes-day-2-night-5",
            "白天07:00至19:00每小时2元，夜间19:00至07:00每次5元",
            "day 07:00 to 19:00 2 yuan an hour, night 19:00 to 07:00 5 yuan each time",
        ),
        ("visit-3", "每次3元", "3 yuan a visit"),
        (
            "hub-5",
            "前15分钟免费，每小时5元，24小时封顶60元，之后40元",
            "15 min free, 5 yuan an hour, at most 60 yuan in 24 h, then 40 yuan",
        ),
    ],
)
def test_the_citys_tariffs(name: str, zh: str, en: str) -> None:
    assert in_short(read_tariff(city_tariff(name, NAME))) == (zh, en)


@pytest.mark.parametrize(
    ("plans", "en"),
    [
        (
            [{"id": "a", "free": {"minutes": 15, "charge_from": "entry"}, "charge": HOUR}],
            "free up to 15 min, 3 yuan an hour",
        ),
        (
            [{"id": "a", "when": {"classes": ["large"]}, "charge": HOUR}, {"id": "b", "charge": {"kind": "free"}}],
            "free, other prices for some vehicles or times",
        ),
        (
            [{"id": "a", "when": {"classes": ["small"]}, "charge": HOUR}],
            "3 yuan an hour, other prices for some vehicles or times",
        ),
        (
            [
                {
                    "id": "a",
                    "charge": {
                        "kind": "units",
                        "steps": [
                            {"amount": 150, "unit_min": 30, "until_min": 120},
                            {"amount": 200, "unit_min": 30, "until_min": 240},
                            {"amount": 0, "unit_min": 60},
                        ],
                    },
                }
            ],
            "1.5 yuan per 30 min up to 2 h, then 2 yuan per 30 min up to 4 h, then free",
        ),
        (
            [
                {
                    "id": "a",
                    "charge": {
                        "kind": "totals",
                        "bands": [{"until_min": 60, "total": 800}, {"until_min": 120, "total": 1500}],
                    },
                }
            ],
            "8 yuan up to 1 h, 15 yuan up to 2 h",
        ),
        ([{"id": "a", "restart": "day", "charge": {"kind": "flat", "amount": 500, "once": "stay"}}], "5 yuan a day"),
        ([{"id": "a", "restart": "24h", "charge": HOUR}], "3 yuan an hour, anew every 24 h"),
        (
            [
                {
                    "id": "a",
                    "charge": {
                        "kind": "totals",
                        "bands": [{"until_min": 60, "total": 800}],
                        "beyond": {"amount": 200, "unit_min": 30},
                    },
                }
            ],
            "8 yuan up to 1 h, then 2 yuan per 30 min",
        ),
        (
            [{"id": "a", "charge": HOUR, "caps": [{"per": "hours", "hours": 24, "counts_as": {"minutes": 600}}]}],
            "3 yuan an hour, at most the price of 10 h in 24 h",
        ),
    ],
)
def test_what_else_there_is(plans: list[dict[str, Any]], en: str) -> None:
    assert in_short(read_tariff({"name": NAME, "plans": plans})).en == en
