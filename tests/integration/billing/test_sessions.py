"""Passages open and close sessions, price them and ask for the fee; late ones end the same."""

import pytest

from tests.integration.billing.conftest import CAR, Site
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
