"""Quotes: what a stay costs, line by line, when that rises, and why there may be no price."""

from typing import Any

from tests.integration.billing.conftest import CAR, OTHER_CAR, PARK, Answer, Site
from tests.integration.billing.tariffs import hourly, in_force

RICH = {
    "name": {"zh": "收费标准", "en": "prices"},
    "plans": [
        {
            "id": "small",
            "when": {"classes": ["small"]},
            "free": {"minutes": 15, "charge_from": "entry"},
            "charge": {
                "kind": "units",
                "steps": [{"amount": 500, "unit_min": 60, "until_min": 60}, {"amount": 200, "unit_min": 30}],
            },
            "caps": [{"per": "hours", "hours": 24, "amounts": [3000]}],
        }
    ],
    "concessions": [
        {
            "id": "green",
            "name": {"zh": "新能源半价", "en": "new-energy half price"},
            "kind": "discount",
            "when": {"new_energy": True},
            "percent_off": 50,
        },
        {"id": "staff", "name": {"zh": "员工", "en": "staff"}, "kind": "permit", "exempt": True},
    ],
}


async def quoted(site: Site, minutes: float, **changes: Any) -> Answer:
    body = {"car_park": PARK, "class": "small", "from": site.at(0), "until": site.at(minutes), **changes}
    body = {name: value for name, value in body.items() if value is not None}
    return await site.ask("POST", "/v1/quotes", json=body, who=None)


async def test_line_by_line_with_words_and_the_next_rise(site: Site) -> None:
    made = await in_force(site, RICH)
    answer = await quoted(site, 100)
    assert answer.status == 200, answer.raw
    told = answer.json
    assert (told["tariff"], told["plan"], told["total"]) == (made["id"], "small", {"amount": 900, "currency": "CNY"})
    assert [line["amount"]["amount"] for line in told["lines"]] == [500, 400]
    assert told["lines"][0]["why"] == {"zh": "第1小时，每小时5.00", "en": "first hour at 5.00 per hour"}
    assert (told["lines"][0]["from"], told["lines"][0]["until"]) == (
        "2026-11-23T00:00:00.000Z",
        "2026-11-23T01:00:00.000Z",
    )
    assert (told["rises_at"], told["rises_to"]["amount"]) == ("2026-11-23T02:01:00.000Z", 1100)
    assert (await quoted(site, 119)).json["total"] == told["total"]
    assert (await quoted(site, 121)).json["total"] == told["rises_to"]


async def test_free_time_and_caps_are_told_as_such(site: Site) -> None:
    await in_force(site, RICH)
    free = (await quoted(site, 15)).json
    assert (free["total"]["amount"], [line["kind"] for line in free["lines"]]) == (0, ["free_time"])
    assert (free["rises_at"], free["rises_to"]["amount"]) == ("2026-11-23T00:16:00.000Z", 500)
    capped = (await quoted(site, 20 * 60)).json
    assert capped["total"]["amount"] == 3000
    assert capped["lines"][-1]["kind"] == "cap"
    assert sum(line["amount"]["amount"] for line in capped["lines"]) == 3000


async def test_what_the_vehicle_is_and_what_its_driver_would_show(site: Site) -> None:
    await in_force(site, RICH)
    assert (await quoted(site, 60, new_energy=True)).json["total"]["amount"] == 250
    assert (await quoted(site, 60, vehicle=OTHER_CAR)).json["total"]["amount"] == 250
    assert (await quoted(site, 60, vehicle=CAR)).json["new_energy"] is False
    assert (await quoted(site, 60, vehicle=OTHER_CAR, new_energy=False)).json["total"]["amount"] == 500
    assert (await quoted(site, 60, permits=["staff"])).json["total"]["amount"] == 0
    unknown = (await quoted(site, 60, permits=["mayor"])).json
    assert (unknown["code"], unknown["concessions"]) == ("no-such-concession", ["green", "staff"])


async def test_why_there_is_no_price(site: Site) -> None:
    assert (await quoted(site, 60)).json["code"] == "no-tariff"
    assert (await quoted(site, 60, car_park="nowhere")).json["code"] == "unknown-car-park"
    await in_force(site, RICH)
    large = await quoted(site, 60, **{"class": "large"})
    assert (large.status, large.json["code"], large.json["classes"]) == (409, "no-plan", ["small"])
    for impossible in (-1, 93 * 1440):
        refused = await quoted(site, impossible)
        assert (refused.status, refused.json["code"]) == (422, "malformed-body")
        assert refused.json["errors"][0]["field"] == "until"
    assert (await quoted(site, 60, until=None)).json["errors"][0]["field"] == "until"
    assert (await quoted(site, 0)).json["total"]["amount"] == 0


async def test_a_later_stay_is_priced_by_what_is_in_force_then(site: Site) -> None:
    await in_force(site, hourly(3))
    await in_force(site, hourly(7, valid_from=site.at(600)))
    later = {"from": site.at(601), "until": site.at(661)}
    assert (await quoted(site, 60, **later)).json["total"]["amount"] == 700
