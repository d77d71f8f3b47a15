"""An API process remembers places; what changed meanwhile counts from its commit on, whoever changed it."""

from typing import Any

import pytest

from tests.integration.reservation.conftest import PARK, Site, park

LEND = """
INSERT INTO reservation.listing (id, owner, car_park, space, state, windows, price_per_hour, owner_share_bp, created_at,
    decided_at, updated_at)
SELECT 'lst_' || number, 'olga', car_park, number, 'approved', '[]', 300, 7000, now(), now(), now()
FROM registry.space WHERE car_park = $1 ORDER BY number LIMIT $2
"""


async def hold(site: Site, number: int, **changes: Any) -> tuple[int, str]:
    answer = await site.hold(vehicle={"plate": f"辽A0000{number}", "color": "blue"}, **changes)
    return answer.status, answer.json.get("code", "")


async def test_a_pool_shrinks_when_spaces_become_private(site: Site) -> None:
    assert (await site.put(f"/v1/operator/car-parks/{PARK}", park(capacity=10))).status == 200
    assert (await hold(site, 1))[0] == 201
    async with site.database.transaction() as tx:
        await tx.execute(LEND, PARK, 9)
    assert await hold(site, 2) == (409, "no-space-left")


async def test_a_space_that_became_private_is_no_longer_promised_as_one_of_the_pool(site: Site) -> None:
    assert (await hold(site, 1, space="B1-001"))[0] == 201
    async with site.database.transaction() as tx:
        await tx.execute(LEND, PARK, 1)
    assert await hold(site, 2, begins=200, until=260, space="B1-001") == (409, "not-shared")


@pytest.mark.parametrize(
    ("change", "told"), [({"reservable": 1}, "no-space-left"), ({"reservable": 0}, "not-reservable")]
)
async def test_fewer_may_be_reserved(site: Site, change: dict[str, int], told: str) -> None:
    assert (await hold(site, 1))[0] == 201
    assert (await site.put(f"/v1/operator/car-parks/{PARK}", park(**change))).status == 200
    assert await hold(site, 2) == (409, told)


async def test_a_closed_and_a_retired_car_park_promise_nothing(site: Site) -> None:
    first = await site.confirmed()
    closed = {"closed": True, "reason": "flooded"}
    assert (await site.put(f"/v1/operator/car-parks/{PARK}/closure", closed)).status == 200
    assert await hold(site, 2) == (409, "not-reservable")
    extended = await site.step(first["id"], "extend", {"until": site.at(150)})
    assert (extended.status, extended.json["code"]) == (409, "not-reservable")
    assert (await site.ask("DELETE", f"/v1/operator/car-parks/{PARK}", who="city")).status in (200, 204)
    assert (await hold(site, 2))[0] == 404
    assert (await site.step(first["id"], "cancel")).json["state"] == "cancelled"
    assert await site.miscounted() == []
