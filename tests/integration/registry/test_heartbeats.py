"""How often sensors speak at least: said of a car park, a zone or a space, and read by whoever watches for silence."""

import pytest

from kernel.db import Database
from tests.integration.registry.conftest import Site, park

PATH = "/v1/operator/car-parks/sy-test"


async def heartbeats(database: Database) -> dict[str, float | None]:
    """By label, of every space."""
    async with database.transaction(readonly=True) as tx:
        rows = await tx.fetch(
            "SELECT space.label, beat.heartbeat_s FROM registry.space_heartbeat AS beat"
            " JOIN registry.space ON space.number = beat.number ORDER BY space.label"
        )
        return {row["label"]: row["heartbeat_s"] for row in rows}


async def test_a_heartbeat_is_kept_until_it_is_taken_away(site: Site) -> None:
    assert (await site.put(PATH, park(heartbeat_s=600))).json["heartbeat_s"] == 600
    assert (await site.put(PATH, park())).json["heartbeat_s"] == 600
    assert (await site.put(PATH, park(heartbeat_s=None))).json["heartbeat_s"] is None


@pytest.mark.parametrize("wrong", [0, -5, 604_801, "ten"])
async def test_what_is_no_heartbeat_is_refused(site: Site, wrong: object) -> None:
    refused = await site.put(PATH, park(heartbeat_s=wrong))
    assert refused.status == 422
    assert "heartbeat_s" in refused.raw.decode()


async def test_the_nearest_device_goes_first(site: Site, database: Database) -> None:
    spaces = [{"space": "P1", "zone": "B1"}, {"space": "P2", "zone": "B1"}, {"space": "P3", "zone": "B2"}, "P4"]
    assert (await site.put(PATH, park(spaces=spaces, heartbeat_s=900))).status == 201
    devices = [("d1", {"space": "P1"}, 60), ("d2", {"zone": "B1"}, 120), ("d3", {"zone": "B2"}, "soon")]
    async with database.transaction() as tx:
        for device, place, seconds in devices:
            await tx.execute(
                "INSERT INTO registry.device (id, operator, profile, car_park, space, zone, settings, updated_at)"
                " SELECT $1, operator, 'x', id, $2, $3, $4, now() FROM registry.car_park WHERE id = 'sy-test'",
                device,
                place.get("space"),
                place.get("zone"),
                {"heartbeat_s": seconds},
            )
    assert await heartbeats(database) == {"P1": 60, "P2": 120, "P3": 900, "P4": 900}
    async with database.transaction() as tx:
        row = await tx.fetchrow("SELECT heartbeat_s, shortest_s FROM registry.car_park_heartbeat")
    assert row is not None
    assert tuple(row) == (900, 60)
