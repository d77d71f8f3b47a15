"""A car park that closed or is gone: its promises are called off for nothing, before anybody is a no-show."""

from prometheus_client import CollectorRegistry

from reservation.call_off import call_off
from reservation.lapse import lapse_all
from reservation.time_meters import TimeMeters
from tests.integration.reservation.conftest import CITY, OTHER_CAR, PARK, Site


async def test_what_is_due_at_a_closed_car_park_is_called_off(site: Site) -> None:
    soon = await site.confirmed(20, 80)
    later = await site.confirmed(600, 660, vehicle=OTHER_CAR)
    assert await call_off(site.database) == 0
    closed = await site.ask("PUT", f"/v1/operator/car-parks/{PARK}/closure", json={"closed": True}, who=CITY)
    assert closed.status in {200, 204}, closed.raw
    assert await call_off(site.database) == 1
    told = (await site.get(f"/v1/reservations/{soon['id']}")).json
    assert (told["state"], told["fee"]["amount"]) == ("cancelled", 0)
    assert (await site.get(f"/v1/reservations/{later['id']}")).json["state"] == "confirmed"
    (event,) = await site.rows("SELECT detail FROM reservation.event WHERE kind = 'cancelled'")
    assert event["detail"] == {"cause": "car_park_closed", "reason": f"{PARK} is closed"}
    assert await site.miscounted() == []


async def test_all_that_is_promised_at_a_car_park_that_is_gone_is_called_off(site: Site) -> None:
    stays = [await site.confirmed(20, 80), await site.confirmed(600, 660, vehicle=OTHER_CAR)]
    assert (await site.ask("DELETE", f"/v1/operator/car-parks/{PARK}", who=CITY)).status == 204
    assert await call_off(site.database) == 2
    site.clock.advance(86_400)
    await lapse_all(site.database, TimeMeters(CollectorRegistry()))
    for stay in stays:
        told = (await site.get(f"/v1/reservations/{stay['id']}")).json
        assert (told["state"], told["fee"]["amount"]) == ("cancelled", 0)
