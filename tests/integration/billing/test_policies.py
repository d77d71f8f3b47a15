"""Policies over REST: defaults, the city's word, a car park's own; who may say what."""

import pytest

from billing.policy import BillingPolicy
from billing.sql.policies import policy_of
from tests.integration.billing.conftest import CITY, MIRA, OTTO, PARK, Site

OWN = f"/v1/operator/car-parks/{PARK}/billing-policy"
ALL = "/v1/operator/billing-policy"


async def test_a_car_park_goes_before_the_city_and_the_city_before_the_defaults(site: Site) -> None:
    assert (await site.get(ALL, who=MIRA)).json["policy"] == BillingPolicy().model_dump(mode="json")
    assert (await site.put(ALL, {"cap_per_stay": 5_000, "unpaid_max": 1})).status == 200
    answer = await site.put(OWN, {"unpaid_max": 2}, who=MIRA)
    assert answer.status == 200, answer.raw
    said = answer.json
    assert (said["policy"]["cap_per_stay"], said["policy"]["unpaid_max"]) == (5_000, 2)
    assert (said["own"], said["city"]) == (["unpaid_max"], ["cap_per_stay"])
    async with site.database.transaction(readonly=True) as tx:
        assert await policy_of(tx, PARK) == BillingPolicy(cap_per_stay=5_000, unpaid_max=2)
        assert await policy_of(tx, "") == BillingPolicy(cap_per_stay=5_000, unpaid_max=1)
    kept = await site.rows("SELECT subject, detail FROM registry.audit WHERE action = 'billing_policy.change'")
    assert [row["subject"] for row in kept] == ["city", f"car-park/{PARK}"]


async def test_only_whoever_may_says_it(site: Site) -> None:
    refused = await site.put(ALL, {"unpaid_max": 1}, who=MIRA)
    assert (refused.status, refused.json["code"]) == (403, "city-wide")
    assert (await site.put(OWN, {"unpaid_max": 1}, who=OTTO)).status == 404
    assert (await site.get(OWN, who=OTTO)).status == 404
    assert (await site.get(OWN, who="ann")).status == 403
    assert (await site.put(OWN, {"unpaid_max": 1}, who=CITY)).status == 200


@pytest.mark.parametrize(
    "said", [{"unpaid_max": -1}, {"remind_after_d": [3, 3]}, {"cap_per_stay": 1.5}, {"nothing": 1}, {"pay_later": 1}]
)
async def test_what_is_no_policy_is_refused(site: Site, said: dict[str, object]) -> None:
    assert (await site.put(OWN, said, who=MIRA)).status == 422
