"""What is promised is taken off what is free, by the clock as by the steps of promises; told once."""

from collections.abc import Iterable, Sequence

from contracts.availability import Availability
from contracts.facts import Facts
from contracts.ids import CarParkId
from occupancy.record import Recorder
from occupancy.recording_steps import RecordingSteps
from occupancy.settings import OccupancySettings
from reservation.tell_promised import tell_promised
from tests.integration.reservation.arrivals import Lanes
from tests.integration.reservation.conftest import BEN, OTHER_CAR, PARK, Site, park


class Told(list[Availability]):
    """What was published, instead of a broker."""

    connection = fresh_sessions = 1
    hears = True

    def publish(self, availabilities: Sequence[Availability]) -> None:
        self.extend(availabilities)

    def withdraw(self, car_parks: Iterable[CarParkId]) -> None:
        raise AssertionError("nothing is taken away here")

    def mine(self, operator: str) -> bool:
        return True

    def tell_refused(self, operator: str, topic: str, payload: bytes) -> None:
        raise AssertionError("nothing is refused here")


async def test_free_is_what_is_left_after_promises(site: Site) -> None:
    told, lanes = Told(), Lanes(site)
    steps = RecordingSteps(site.database, Recorder(OccupancySettings()), told)

    async def turn() -> list[tuple[int, int | None]]:
        told.clear()
        await tell_promised(site.database, steps.set_promised)
        return [(one.promised, one.free) for one in told]

    await site.put(f"/v1/operator/car-parks/{PARK}", park(capacity=10))
    await lanes.sense(*[f"B1-{number:03}" for number in range(1, 11)], state="free")
    assert await turn() == []
    soon = await site.confirmed(20, 60)
    await site.hold(45, 90, vehicle=OTHER_CAR, who=BEN)
    assert await turn() == [(1, 9)], "the other one is not due yet"
    assert await turn() == []
    site.clock.advance(20 * 60)
    assert await turn() == [], "the hold ran out before it was due"
    await lanes.drive("entry")
    assert await turn() == [(0, 9)], "he is inside: not promised any more, but there"
    (row,) = await site.rows("SELECT promised, version FROM occupancy.car_park_now WHERE car_park = $1", PARK)
    assert row["promised"] == 0
    assert (await site.get(f"/v1/reservations/{soon['id']}")).json["state"] == "checked_in"


async def test_lanes_that_count_have_counted_those_who_stand_before_them(site: Site) -> None:
    lanes = Lanes(site)
    await site.put(f"/v1/operator/car-parks/{PARK}", park(capacity=3, spaces=[], reservable=1))
    await site.confirmed(10, 60)
    walk_ins = [lanes.passage("entry", {"plate": f"辽B0000{number}", "color": "blue"}) for number in range(3)]
    await lanes.record(Facts(passages=walk_ins))
    assert await lanes.orders("refuse_entry") == [("refuse_entry", "E1")], "two of three may go in"
    (row,) = await site.rows("SELECT cause FROM gateway.device_order WHERE kind = 'refuse_entry'")
    assert row["cause"] == f"refuse_entry:{walk_ins[2].id}"
