"""Plates misread by one character: matched where nothing speaks against it, and taken back when something does."""

import pytest

from tests.integration.billing.conftest import CAR, Site
from tests.integration.billing.gates import Gates
from tests.integration.billing.tariffs import hourly, in_force

EIGHT, BEE = CAR | {"plate": "辽A12348"}, CAR | {"plate": "辽A1234B"}


@pytest.fixture
async def gates(site: Site) -> Gates:
    """With 3 yuan a begun hour."""
    await in_force(site, hourly(3))
    return Gates(site)


async def standing(gates: Gates) -> list[tuple[str, str, int | None]]:
    """Sessions that are not overtaken."""
    rows = [row for row in await gates.sessions() if row["state"] not in ("corrected", "matched")]
    return sorted(((row["state"], row["plate"], row["amount"]) for row in rows), key=str)


async def test_an_exit_read_badly_is_that_of_the_only_vehicle_that_looks_like_it(site: Site, gates: Gates) -> None:
    await gates.drive("entry", EIGHT)
    site.clock.advance(3600)
    await gates.drive("exit", BEE, confidence=0.5)
    rows = [(row["state"], row["plate"], row["amount"]) for row in await gates.sessions()]
    assert sorted(rows, key=str) == [("corrected", BEE["plate"], None), ("rated", EIGHT["plate"], 300)]
    assert await gates.charges() == [("due", 300)]
    assert [order[0] for order in await gates.orders()] == ["show_text"], "it does not leave as somebody unknown"


async def test_an_entry_read_badly_becomes_that_of_the_vehicle_that_leaves(site: Site, gates: Gates) -> None:
    await gates.drive("entry", EIGHT, confidence=0.4)
    site.clock.advance(3600)
    await gates.drive("exit", BEE)
    (row,) = [row for row in await gates.sessions() if row["state"] == "rated"]
    assert (row["plate"], row["amount"]) == (BEE["plate"], 300)
    assert await gates.charges() == [("due", 300)]


async def test_two_that_look_alike_are_left_to_a_person(site: Site, gates: Gates) -> None:
    await gates.drive("entry", EIGHT)
    await gates.drive("entry", CAR | {"plate": "辽A1Z34B"})
    site.clock.advance(3600)
    await gates.drive("exit", BEE, confidence=0.5)
    assert sorted(await gates.states()) == ["open", "open", "orphan_exit"]
    assert await gates.charges() == []


async def test_a_match_is_taken_back_when_the_vehicles_own_exit_comes(site: Site, gates: Gates) -> None:
    await gates.drive("entry", EIGHT)
    site.clock.advance(3600)
    await gates.drive("exit", BEE, confidence=0.5)
    site.clock.advance(3600 * 3)
    await gates.drive("exit", EIGHT)
    live = await standing(gates)
    assert live == [("orphan_exit", BEE["plate"], None), ("rated", EIGHT["plate"], 1200)]
    assert sorted(await gates.charges()) == [("due", 1200), ("void", 300)]


async def test_a_match_is_taken_back_when_the_other_vehicles_own_entry_comes_late(site: Site, gates: Gates) -> None:
    await gates.drive("entry", EIGHT)
    site.clock.advance(3600)
    await gates.drive("exit", BEE, confidence=0.5)
    site.clock.advance(3600)
    await gates.drive("entry", BEE, minute=20)
    live = await standing(gates)
    assert live == [("open", EIGHT["plate"], None), ("rated", BEE["plate"], 300)]
    assert sorted(await gates.charges()) == [("due", 300), ("void", 300)]


async def test_whatever_the_order_in_which_they_came(site: Site, gates: Gates) -> None:
    came = gates.passage("entry", EIGHT, minute=0)
    left = gates.passage("exit", BEE, minute=60, confidence=0.5)
    site.clock.advance(86_400)
    await gates.tell(left)
    await gates.tell(came)
    live = await standing(gates)
    assert live == [("rated", EIGHT["plate"], 300)]
