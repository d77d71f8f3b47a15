"""A car park of whose spaces too few are known counts nowhere: not in sums, not among the fullest, not as free."""

from typing import Any

from contracts.facts import Facts, Recorded
from contracts.ids import CarParkId
from kernel.answers import dump
from kernel.clock import ManualClock
from kernel.db import Database
from occupancy.service import Serving
from tests.integration.kernel.conftest import Site
from tests.integration.occupancy.city import HERE, add_car_park, count_seen, space_seen, status_seen
from tests.integration.occupancy.conftest import Record, publish

MOSTLY_UNKNOWN, STALE, SILENT, SHUT = map(CarParkId, ("mostly-unknown", "stale", "silent", "shut"))


async def get(site: Site, path: str) -> Any:
    async with site.client.get(path) as response:
        assert response.status == 200, await response.text()
        return await response.json()


async def a_city_of_five(database: Database, record: Record) -> Recorded:
    """One live car park, one whose sensors know 2 of 10, one stale, one that never spoke, one closed."""
    await add_car_park(database, capacity=100)
    known = await add_car_park(database, MOSTLY_UNKNOWN, capacity=10, spaces=10)
    await add_car_park(database, STALE, capacity=50)
    await add_car_park(database, SILENT, capacity=50)
    await add_car_park(database, SHUT, capacity=20, opening_hours="Mo-Su 20:00-21:00")
    return await record(
        Facts(
            spaces=[space_seen(number, car_park=MOSTLY_UNKNOWN) for number in known[:2]],
            counts=[
                count_seen(60),
                count_seen(50, -1000, capacity=50, car_park=STALE),
                count_seen(20, capacity=20, car_park=SHUT),
            ],
        )
    )


async def test_it_counts_nowhere(database: Database, record: Record, side: Serving, site: Site) -> None:
    await a_city_of_five(database, record)
    await side.board.load()
    city = await get(site, "/v1/city")
    kinds = {name: city[name] for name in ("car_parks", "live", "stale", "unknown", "never_heard")}
    assert kinds == {"car_parks": 5, "live": 2, "stale": 1, "unknown": 1, "never_heard": 1}
    assert (city["capacity"], city["occupied"], city["free"], city["index"]) == (120, 80, 40, 0.6667)
    assert [(busy["car_park"], busy["index"], busy["free"]) for busy in city["fullest"]] == [(HERE, 0.6, 40)]
    for least in (0, 1, 8):
        found = await get(site, f"/v1/car-parks?min_free={least}")
        assert [card["id"] for card in found["items"]] == [HERE]


async def test_how_much_is_not_known_is_told_everywhere_alike(
    database: Database, record: Record, side: Serving, site: Site
) -> None:
    recorded = await a_city_of_five(database, record)
    publish(side, recorded)
    told = {availability.car_park: availability for availability in recorded.availabilities}
    assert {car_park: (one.unknown, one.state.value) for car_park, one in told.items()} == {
        HERE: (0, "open"),
        MOSTLY_UNKNOWN: (8, "unknown"),
        STALE: (0, "unknown"),
        SHUT: (0, "closed"),
    }
    for car_park, availability in told.items():
        card = await get(site, f"/v1/car-parks/{car_park}")
        assert card["availability"].keys() == availability.model_dump().keys()
        assert card["availability"]["unknown"] == availability.unknown
        assert b'"unknown":%d' % availability.unknown in dump(availability)
    silent = (await get(site, f"/v1/car-parks/{SILENT}"))["availability"]
    assert (silent["unknown"], silent["free"], silent["state"]) == (50, None, "unknown")


async def test_a_space_that_nobody_has_heard_of_is_nowhere_added_as_free(
    database: Database, record: Record, side: Serving, site: Site
) -> None:
    """Eighty of a hundred were heard of: the car park is open, and 20 of the 40 in its `free` are a guess."""
    known = await add_car_park(database, capacity=100, spaces=100)
    told = [space_seen(number) for number in known[:60]]
    told += [space_seen(number, "free") for number in known[60:80]]
    await add_car_park(database, CarParkId("counted"), capacity=50)
    told_of = Facts(spaces=told, counts=[count_seen(10, capacity=50, car_park=CarParkId("counted"))])
    publish(side, await record(told_of))
    card = (await get(site, f"/v1/car-parks/{HERE}"))["availability"]
    assert (card["free"], card["unknown"], card["never_heard"], card["state"]) == (40, 20, 20, "open")
    city = await get(site, "/v1/city")
    assert (city["capacity"], city["occupied"], city["free"]) == (150, 70, 60)
    assert city["index"] == round(70 / 130, 4)
    assert [(busy["car_park"], busy["index"], busy["free"]) for busy in city["fullest"]] == [
        (HERE, 0.75, 20),
        ("counted", 0.2, 40),
    ]
    assert [(one["free"], one["index"]) for one in city["districts"]] == [(60, city["index"])]
    for least, found in ((20, 2), (21, 1), (40, 1), (41, 0)):
        assert len((await get(site, f"/v1/car-parks?min_free={least}"))["items"]) == found
    async with database.transaction() as tx:  # and after a restart
        assert await tx.fetchval("SELECT never_heard FROM occupancy.car_park_state WHERE car_park = $1", HERE) == 20
    await side.board.load()
    assert (await get(site, "/v1/city"))["free"] == 60


async def test_a_mad_counter_spoils_its_own_number_only(
    database: Database, record: Record, side: Serving, site: Site
) -> None:
    await add_car_park(database, capacity=100)
    await add_car_park(database, CarParkId("mad"), capacity=10)
    publish(
        side,
        await record(Facts(counts=[count_seen(50), count_seen(1_000_000, capacity=10, car_park=CarParkId("mad"))])),
    )
    mad = (await get(site, "/v1/car-parks/mad"))["availability"]
    assert (mad["occupied"], mad["free"], mad["overfull"]) == (1_000_000, 0, True)
    assert (await get(site, "/v1/city"))["occupied"] == 70


async def test_a_gateway_that_only_said_hello(
    database: Database, record: Record, site: Site, clock: ManualClock
) -> None:
    await add_car_park(database, capacity=30)
    (told,) = (await record(Facts(statuses=[status_seen(True)]))).availabilities
    assert (told.capacity, told.unknown, told.occupied, told.free) == (30, 30, None, None)
    clock.advance(2_000)
    card = await get(site, f"/v1/car-parks/{HERE}")
    assert (card["availability"]["capacity"], card["availability"]["unknown"]) == (30, 30)
