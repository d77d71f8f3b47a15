"""Passages open and close sessions, price them and ask for the fee; late ones end the same."""

import pytest

from billing.credit import give_back_excess
from billing.doubt_sessions import doubt_sessions
from billing.follow_passages import LATE_AT_ONCE
from billing.rate_late import RateLate
from gateway.give_order import give_order
from tests.integration.billing.conftest import CAR, PARK, Site, park
from tests.integration.billing.gates import Gates
from tests.integration.billing.tariffs import hourly, in_force


@pytest.fixture
async def gates(site: Site) -> Gates:
    """With 3 yuan a begun hour."""
    await in_force(site, hourly(3))
    return Gates(site)


async def test_in_and_out_is_a_session_a_charge_and_an_open_barrier(site: Site, gates: Gates) -> None:
    await gates.drive("entry")
    (row,) = await gates.sessions()
    assert (row["state"], row["plate"], row["tariff"] is not None) == ("open", CAR["plate"], True)
    assert row["at_entry"]["pays_later"] is False
    site.clock.advance(60 * 90)
    await gates.drive("exit")
    (row,) = await gates.sessions()
    assert (row["state"], row["amount"]) == ("rated", 600)
    assert await gates.charges() == [("due", 600)]
    assert [order[0] for order in await gates.orders()] == ["show_text"]


async def test_without_a_tariff_it_is_an_exception_and_leaves(site: Site) -> None:
    gates = Gates(site)
    await gates.park(90)
    (row,) = await gates.sessions()
    assert (row["state"], row["reason"]) == ("exited", "no_tariff")
    assert await gates.charges() == []
    assert [order[0] for order in await gates.orders()] == ["open_barrier"]


async def test_a_second_entry_makes_the_first_suspect_and_bills_only_the_second(site: Site, gates: Gates) -> None:
    await gates.drive("entry")
    site.clock.advance(86_400)
    await gates.drive("entry")
    site.clock.advance(60 * 5)
    await gates.drive("exit")
    assert await gates.states() == ["suspect", "rated"]
    assert await gates.charges() == [("due", 300)]


async def test_an_exit_without_an_entry_costs_nothing_until_the_entry_comes(site: Site, gates: Gates) -> None:
    site.clock.advance(3600)
    await gates.drive("exit")
    assert await gates.states() == ["orphan_exit"]
    await gates.drive("entry", minute=10)
    assert sorted(await gates.states()) == ["matched", "rated"]
    assert await gates.charges() == [("due", 300)]


async def test_a_passage_that_is_told_twice_or_read_twice_bills_once(site: Site, gates: Gates) -> None:
    came = gates.passage("entry")
    await gates.tell(came)
    site.clock.advance(4)
    await gates.tell(came, gates.passage("entry"))
    site.clock.advance(60 * 30)
    await gates.tell(gates.passage("exit"), gates.passage("exit"))
    site.clock.advance(5)
    await gates.drive("exit")
    assert await gates.states() == ["rated"]
    assert await gates.charges() == [("due", 300)]


async def test_whoever_is_read_again_at_the_exit_is_told_again_and_not_let_out_for_nothing(
    site: Site, gates: Gates
) -> None:
    await gates.park(30)
    site.clock.advance(120)
    await gates.drive("exit")
    assert await gates.states() == ["rated"]
    assert [order[0] for order in await gates.orders()] == ["show_text", "show_text"]


async def test_whoever_comes_back_to_the_exit_hours_later_without_having_paid_is_not_let_out_as_unknown(
    site: Site, gates: Gates
) -> None:
    await gates.park(30)
    site.clock.advance(3600 * 3)
    await gates.drive("exit")
    assert sorted(await gates.states()) == ["orphan_exit", "rated"]
    assert [order[0] for order in await gates.orders()] == ["show_text", "show_text"]
    await gates.pay()
    site.clock.advance(3600)
    await gates.drive("exit")
    assert [order[0] for order in await gates.orders()][-1] == "open_barrier"


async def test_passages_of_a_car_park_that_was_offline_end_in_the_same_sessions(site: Site, gates: Gates) -> None:
    told = [
        gates.passage("entry", minute=0),
        gates.passage("exit", minute=50),
        gates.passage("entry", minute=100),
        gates.passage("exit", minute=230),
    ]
    site.clock.advance(86_400)
    for one in (told[0], told[3]):
        await gates.tell(one)
    assert await gates.charges() == [("due", 1200)]
    await gates.tell(told[2])
    assert sorted(await gates.states()) == ["corrected", "rated", "suspect"]
    await gates.tell(told[1])
    assert sorted(await gates.states()) == ["corrected", "rated", "rated"]
    assert sorted(await gates.charges()) == [("due", 300), ("due", 900), ("void", 1200)]
    assert await gates.orders() == []
    owed = await site.rows("SELECT holder, balance FROM billing.account WHERE kind = 'payer'")
    assert [(row["holder"], row["balance"]) for row in owed] == [("辽A12345|blue", 1200)]


async def test_a_ticket_is_a_vehicle_without_a_plate(site: Site, gates: Gates) -> None:
    await gates.drive("entry", {}, ticket="T-1")
    await gates.drive("entry", {}, ticket="T-2")
    await gates.drive("entry", {})
    site.clock.advance(60 * 70)
    await gates.drive("exit", {}, ticket="T-1")
    await gates.drive("exit", {})
    rows = {row["ticket"]: row["state"] for row in await gates.sessions()}
    assert rows == {"T-1": "rated", "T-2": "open"}
    assert await gates.charges() == [("due", 600)]
    told = [(kind, reason) for kind, _, reason in await gates.orders()]
    assert sorted(told) == [("show_text", "nobody_known"), ("show_text", "pay_at_barrier")]


async def test_two_vehicles_of_one_plate_are_told_apart_by_colour(site: Site, gates: Gates) -> None:
    yellow = CAR | {"color": "yellow"}
    await gates.drive("entry")
    site.clock.advance(600)
    await gates.drive("entry", yellow)
    site.clock.advance(3600)
    await gates.drive("exit", {"plate": CAR["plate"]})
    site.clock.advance(600)
    await gates.drive("exit", yellow)
    rows = [(row["color"], row["state"]) for row in await gates.sessions()]
    assert sorted(rows, key=str) == [("blue", "open"), ("yellow", "rated")]


async def test_the_colour_that_was_not_read_is_the_only_one_there_is(site: Site, gates: Gates) -> None:
    await gates.drive("entry", {"plate": CAR["plate"]})
    site.clock.advance(600)
    await gates.drive("exit")
    (row,) = await gates.sessions()
    assert (row["state"], row["color"]) == ("rated", "blue")


async def test_a_stay_beyond_belief_waits_for_somebody_and_leaves(site: Site, gates: Gates) -> None:
    """The vehicle of the news: five minutes billed as 38 days, because an exit and an entry were not recorded."""
    await gates.park(38 * 24 * 60)
    (row,) = await gates.sessions()
    assert (row["state"], row["reason"], row["exit_passage"] is not None) == ("suspect", "too_long", True)
    assert await gates.charges() == []
    assert [order[0] for order in await gates.orders()] == ["open_barrier"]


async def test_open_for_too_long_is_suspect_until_the_exit_comes(site: Site, gates: Gates) -> None:
    await gates.drive("entry")
    site.clock.advance(72 * 3600)
    assert await doubt_sessions(site.database) == 1
    assert await gates.states() == ["suspect"]
    await gates.drive("exit")
    assert await gates.states() == ["rated"]


async def test_a_zone_with_prices_of_its_own_is_billed_by_them_and_not_by_the_car_park(
    site: Site, gates: Gates
) -> None:
    lanes = [
        *({"lane": name, "direction": way} for name, way in (("E1", "entry"), ("X1", "exit"))),
        *({"lane": name, "direction": way, "zone": "B1"} for name, way in (("E2", "entry"), ("X2", "exit"))),
    ]
    await site.put(f"/v1/operator/car-parks/{PARK}", park(lanes=lanes))
    await in_force(site, hourly(10), zone="B1")
    for minutes, lane in ((0, "E1"), (10, "E2"), (130, "X2"), (10, "X1")):
        site.clock.advance(60 * minutes)
        await gates.drive("entry" if lane[0] == "E" else "exit", lane=lane)
    around, inside = sorted(await gates.sessions(), key=lambda row: str(row["zone"]))
    assert (inside["zone"], inside["parent"], inside["amount"]) == ("B1", around["id"], 3000)
    assert (around["amount"], around["fee"]["apart_s"]) == (300, 130 * 60)


async def test_a_zone_without_prices_is_in_the_car_parks_and_a_zone_known_later_is_taken_off(
    site: Site, gates: Gates
) -> None:
    lanes = [
        *({"lane": name, "direction": way} for name, way in (("E1", "entry"), ("X1", "exit"))),
        *({"lane": name, "direction": way, "zone": "B1"} for name, way in (("E2", "entry"), ("X2", "exit"))),
    ]
    await site.put(f"/v1/operator/car-parks/{PARK}", park(lanes=lanes))
    told = [
        gates.passage("entry" if lane[0] == "E" else "exit", lane=lane, minute=minute)
        for minute, lane in ((1, "E1"), (10, "E2"), (140, "X2"), (150, "X1"))
    ]
    site.clock.advance(86_400)
    await gates.tell(told[0], told[3])
    await gates.tell(told[1], told[2])
    assert sorted((row["zone"], row["state"], row["amount"]) for row in await gates.sessions()) == [
        ("", "rated", 900),
        ("B1", "closed", 0),
    ]
    assert {row["zone"]: row["at_exit"]["way"] for row in await gates.sessions()} == {"": "afterwards", "B1": "free"}
    await in_force(site, hourly(1), zone="B1")
    later = [
        gates.passage("entry" if lane[0] == "E" else "exit", lane=lane, minute=1500 + minute)
        for minute, lane in ((1, "E1"), (10, "E2"), (140, "X2"), (150, "X1"))
    ]
    site.clock.advance(86_400)
    await gates.tell(later[0], later[3])
    await gates.tell(later[1], later[2])
    rows = [
        (row["zone"], row["state"], row["amount"]) for row in await gates.sessions() if row["entry_at"] >= later[0].at
    ]
    assert sorted(rows) == [("", "corrected", 900), ("", "rated", 300), ("B1", "rated", 300)]


async def test_what_was_paid_for_a_stay_that_was_shorter_is_given_back(site: Site, gates: Gates) -> None:
    told = [gates.passage("entry", minute=0), gates.passage("exit", minute=50), gates.passage("exit", minute=590)]
    site.clock.advance(86_400)
    await gates.tell(told[0], told[2])
    await gates.pay()
    assert await gates.states() == ["closed"]
    await gates.tell(told[1])
    assert sorted(((row["state"], row["amount"]) for row in await gates.sessions()), key=str) == [
        ("corrected", 3000),
        ("orphan_exit", None),
        ("rated", 300),
    ]
    for row in await gates.sessions():
        await give_back_excess(site.database, row["id"])
        await give_back_excess(site.database, row["id"])
    (refund,) = await site.rows("SELECT amount, state FROM billing.refund")
    assert (refund["amount"], refund["state"]) == (2700, "created")
    assert await gates.charges() == [("paid", 3000)]


async def test_a_cap_over_all_visits_of_a_day_holds_when_the_first_one_becomes_known_last(site: Site) -> None:
    cap = [{"per": "day", "amounts": [1000], "across_visits": True}]
    document = hourly(3)
    document["plans"][0]["caps"] = cap
    await in_force(site, document)
    gates = Gates(site)
    told = [
        gates.passage(way, minute=minute)
        for way, minute in (("entry", 0), ("exit", 170), ("entry", 200), ("exit", 440))
    ]
    site.clock.advance(86_400)
    await gates.tell(*told[2:])
    assert await gates.charges() == [("due", 1000)]
    await gates.tell(*told[:2])
    live = [(row["state"], row["amount"]) for row in await gates.sessions() if row["state"] != "corrected"]
    assert sorted(live) == [("rated", 100), ("rated", 900)]
    assert sorted(await gates.charges()) == [("due", 100), ("due", 900), ("void", 1000)]


async def test_the_cap_holds_as_well_when_the_worker_prices_what_came_late(site: Site) -> None:
    document = hourly(3)
    document["plans"][0]["caps"] = [{"per": "day", "amounts": [1000], "across_visits": True}]
    await in_force(site, document)
    gates = Gates(site)
    site.clock.advance(3600 * 4)
    await gates.park(240)
    assert await gates.charges() == [("due", 1000)]
    others = [
        gates.passage(way, CAR | {"plate": f"辽A{number:05}"}, minute=minute)
        for number in range(LATE_AT_ONCE)
        for way, minute in (("entry", 1), ("exit", 2))
    ]
    early = [gates.passage("entry", minute=10), gates.passage("exit", minute=180)]
    await gates.tell(*others, *early)
    assert [row["state"] for row in await gates.sessions() if row["plate"] == CAR["plate"]].count("exited") == 1
    assert await RateLate(site.database, give_order).step() == 1
    live = [(row["state"], row["amount"]) for row in await gates.sessions() if row["plate"] == CAR["plate"]]
    assert sorted(one for one in live if one[0] != "corrected") == [("rated", 100), ("rated", 900)]
