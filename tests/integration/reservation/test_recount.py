"""Counters that are not what the promises say are found by another count, told, and mended."""

import pytest
from prometheus_client import CollectorRegistry

from reservation.pool_meters import PoolMeters
from reservation.recount import recount_pools
from tests.integration.reservation.conftest import OTHER_CAR, PARK, Site

MIDNIGHT = 24 * 60


async def spoil(site: Site, statement: str) -> None:
    async with site.database.transaction() as tx:
        await tx.execute(statement)


@pytest.mark.parametrize(
    ("defect", "days"),
    [
        ("UPDATE reservation.pool_day SET used = reservation.shifted(used, 1400, 1440, 1)", 2),
        ("UPDATE reservation.pool_day SET used = reservation.shifted(used, 1, 5, -1) WHERE day = '2026-11-24'", 1),
        ("DELETE FROM reservation.pool_day WHERE day = '2026-11-24'", 1),
        ("UPDATE reservation.reservation SET state = 'cancelled', ended_at = now()", 2),
    ],
)
async def test_every_kind_of_difference_is_found_and_mended(site: Site, defect: str, days: int) -> None:
    await site.confirmed(MIDNIGHT - 30.5, MIDNIGHT + 30.5)
    await site.confirmed(MIDNIGHT - 90, MIDNIGHT - 60, space="B1-001", vehicle=OTHER_CAR)
    assert await site.miscounted() == []
    await spoil(site, defect)
    assert len(await site.miscounted()) == days
    registry = CollectorRegistry()
    assert await recount_pools(site.database, PoolMeters(registry)) == days
    assert registry.get_sample_value("berth_reservation_pool_days_mended_total") == days
    assert await site.miscounted() == []
    assert await recount_pools(site.database, PoolMeters(CollectorRegistry())) == 0


async def test_what_is_over_is_left_and_then_forgotten(site: Site) -> None:
    held = await site.confirmed(2, 60)
    site.clock.advance(10 * 60)
    await spoil(site, "UPDATE reservation.pool_day SET used = reservation.shifted(used, 1, 5, 1)")
    assert await site.miscounted() == [], "minutes that have passed are nobody's"
    assert (await site.step(held["id"], "cancel")).status == 200
    assert await site.miscounted() == []
    site.clock.advance(8 * 86_400)
    await recount_pools(site.database, PoolMeters(CollectorRegistry()))
    assert await site.rows("SELECT day FROM reservation.pool_day WHERE car_park = $1", PARK) == []
