"""What promises cost is asked for once: at the exit with the stay, or by the job that their end leaves behind."""

from datetime import timedelta
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from billing.ask_for_promise import ask_for_promise
from contracts.promises import PROMISE_OVER
from contracts.vehicles import Vehicle
from kernel.db import Row
from reservation.cancel import cancel_promise
from reservation.confirm import confirm_hold
from reservation.hold import hold_space
from reservation.lapse import lapse_all
from reservation.place import PlaceIn, find_place
from reservation.stay import Stay
from reservation.time_meters import TimeMeters
from tests.integration.billing.conftest import ANN, CAR, MIRA, PARK, Site, park
from tests.integration.billing.gates import Gates
from tests.integration.billing.stays import agreement
from tests.integration.billing.tariffs import hourly, in_force

PLATE, COLOR = CAR["plate"], CAR["color"]


@pytest.fixture
async def gates(site: Site) -> Gates:
    """With 3 yuan a begun hour, and spaces that can be promised for 5 yuan an hour."""
    assert (await site.put(f"/v1/operator/car-parks/{PARK}", park(reservable=5))).status == 200
    await in_force(site, hourly(3))
    return Gates(site)


async def promised(site: Site, begins: float = 0, until: float = 60, *, is_confirmed: bool = True) -> str:
    """A promise of ann's for her car, from and until so many minutes from now."""
    now = site.clock.now()
    stay = Stay(Vehicle.model_validate(CAR), now + timedelta(minutes=begins), now + timedelta(minutes=until))
    async with site.database.transaction() as tx:
        place = await find_place(tx, PlaceIn(car_park=PARK))
        held = await hold_space(tx, ANN, place, stay)
        if is_confirmed:
            await confirm_hold(tx, held["id"], driver=ANN)
    reservation: str = held["id"]
    return reservation


async def lent(site: Site, reservation: str, *, platform_share_bp: int = 500) -> None:
    """As if it was on a space that otto lends for 70 % of the price."""
    async with site.database.transaction() as tx:
        await tx.execute(
            """INSERT INTO reservation.listing (id, owner, car_park, space, state, windows, price_per_hour,
                   owner_share_bp, platform_share_bp, created_at, decided_at, updated_at)
               VALUES ('lst_1', 'olga', $1, 1, 'approved', '[]', 500, 7000, $2, $3, $3, $3)""",
            PARK,
            platform_share_bp,
            tx.now,
        )
        await tx.execute(
            """UPDATE reservation.reservation SET listing = 'lst_1', space = 1, space_label = 'B1-1',
                   terms = terms || '{"owner_share_bp": 7000}' WHERE id = $1""",
            reservation,
        )


async def charges(site: Site) -> list[Row]:
    return await site.rows("SELECT * FROM billing.charge ORDER BY id")


async def left_behind(site: Site) -> list[str]:
    """Reservations whose end has left the job behind."""
    rows = await site.rows("SELECT payload FROM jobs.pgqueuer WHERE entrypoint = $1 ORDER BY id", PROMISE_OVER)
    return [row["payload"].decode() for row in rows]


async def test_a_guest_pays_what_was_promised_and_not_the_tariff(site: Site, gates: Gates) -> None:
    reservation = await promised(site)
    await gates.park(55)
    (session,) = await gates.sessions()
    assert (session["state"], session["amount"], session["reservation"]) == ("closed", 0, reservation)
    (charge,) = await charges(site)
    assert (charge["kind"], charge["state"], charge["amount"]) == ("reservation", "due", 500)
    assert (charge["reservation"], charge["session"], charge["driver"]) == (reservation, None, ANN)
    assert (charge["plate"], charge["operator"], charge["owner"]) == (PLATE, MIRA, None)
    assert [line["why"]["en"] for line in charge["lines"]] == ["reserved space"]
    assert session["at_exit"]["way"] == "pay_at_barrier"
    assert (session["at_exit"]["charge"], session["at_exit"]["amount"]) == (charge["id"], 500)

    assert await left_behind(site) == [reservation]
    await ask_for_promise(site.database, reservation)
    assert len(await charges(site)) == 1, "the job finds it asked for"


async def test_who_agreed_to_pay_later_leaves_at_once(site: Site, gates: Gates) -> None:
    async with site.database.transaction() as tx:
        await agreement(tx, plate=PLATE, color=COLOR)
    await promised(site)
    await gates.park(55)
    (session,) = await gates.sessions()
    assert session["at_exit"]["way"] == "pay_later"
    assert (await gates.orders("open_barrier"))[-1][0] == "open_barrier"


async def test_overstaying_is_asked_for_with_the_price(site: Site, gates: Gates) -> None:
    await promised(site)
    await gates.park(120)
    (charge,) = await charges(site)
    assert [(line["kind"], line["amount"]) for line in charge["lines"]] == [("reservation", 500), ("overstay", 1000)]
    assert (charge["amount"], charge["ends"]) == (1500, site.clock.now())


async def test_the_shares_of_a_lent_space_are_the_owners_and_the_platforms(site: Site, gates: Gates) -> None:
    reservation = await promised(site)
    await gates.drive("entry")
    await lent(site, reservation, platform_share_bp=4000)
    site.clock.advance(60 * 50)
    await gates.drive("exit")
    (charge,) = await charges(site)
    assert (charge["owner"], charge["owner_share_bp"], charge["platform_share_bp"]) == ("olga", 7000, 3000)


async def test_a_late_cancellation_is_the_drivers_and_nobodys_vehicles(site: Site, gates: Gates) -> None:
    async with site.database.transaction() as tx:
        await agreement(tx, plate=PLATE, color=COLOR, driver="ben")
    reservation = await promised(site, 10, 70)
    async with site.database.transaction() as tx:
        await cancel_promise(tx, reservation, driver=ANN)
    assert await left_behind(site) == [reservation]
    for _ in range(2):
        await ask_for_promise(site.database, reservation)
    (charge,) = await charges(site)
    assert (charge["kind"], charge["amount"], charge["driver"]) == ("cancellation", 150, ANN)
    assert (charge["plate"], charge["ticket"]) == (None, reservation)
    site.clock.advance(86_400 * 2)
    await gates.park(30)
    assert [row["at_exit"]["way"] for row in await gates.sessions()] == ["pay_later"], "the vehicle owes nothing"
    listed = (await site.get("/v1/charges", who=ANN)).json["items"]
    assert [one["id"] for one in listed] == [charge["id"]]


async def test_who_does_not_come_owes_the_fee(site: Site, gates: Gates) -> None:
    reservation = await promised(site, 10, 70)
    site.clock.advance(60 * 60)
    await lapse_all(site.database, TimeMeters(CollectorRegistry()))
    assert await left_behind(site) == [reservation]
    await ask_for_promise(site.database, reservation)
    (charge,) = await charges(site)
    assert (charge["kind"], charge["amount"], charge["plate"]) == ("no_show", 500, None)
    books = await site.rows(
        """SELECT account.kind, account.holder, entry.amount FROM billing.entry
           JOIN billing.account ON account.id = entry.account ORDER BY amount"""
    )
    assert [tuple(row) for row in books] == [
        ("operator_pending", MIRA, -500),
        ("payer", f"#{PARK}/{reservation}", 500),
    ]


@pytest.mark.parametrize("how", ["free", "by the car park", "expired"])
async def test_what_costs_nothing_is_not_asked_for(site: Site, gates: Gates, how: str) -> None:
    begins = 120 if how == "free" else 10
    reservation = await promised(site, begins, begins + 60, is_confirmed=how != "expired")
    if how == "expired":
        site.clock.advance(60 * 60)
        await lapse_all(site.database, TimeMeters(CollectorRegistry()))
    else:
        cause: dict[str, Any] = {"driver": ANN} if how == "free" else {"driver": None, "cause": "operator"}
        async with site.database.transaction() as tx:
            await cancel_promise(tx, reservation, **cause)
    assert await left_behind(site) == []
    await ask_for_promise(site.database, reservation)
    assert await charges(site) == []


async def test_who_comes_long_before_his_time_pays_the_tariff_until_then(site: Site, gates: Gates) -> None:
    reservation = await promised(site, 180, 240)
    await gates.drive("entry")
    site.clock.advance(60 * 185)
    async with site.database.transaction() as tx:
        await tx.execute(
            "UPDATE reservation.reservation SET state = 'checked_in', checked_in_at = $2 WHERE id = $1",
            reservation,
            tx.now,
        )
    site.clock.advance(60 * 30)
    await gates.drive("exit")
    assert await gates.charges() == [("due", 1200)], "four begun hours before he was checked in"
    await ask_for_promise(site.database, reservation)
    assert sorted((row["kind"], row["amount"]) for row in await charges(site)) == [
        ("parking", 1200),
        ("reservation", 500),
    ]
