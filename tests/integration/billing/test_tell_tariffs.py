"""The public card says what a car park charges, where its operator says nothing himself."""

from typing import Any

from billing.service import telling
from registry.tell_tariffs import tell_tariffs
from tests.integration.billing.conftest import PARK, Site, park
from tests.integration.billing.tariffs import hourly, in_force


async def turn(site: Site) -> Any:
    """What the card says after a turn of the loop."""
    (loop,) = telling(site.database, tell_tariffs).loops
    await loop.step()
    (row,) = await site.rows("SELECT tariff_summary FROM registry.car_park_card WHERE id = $1", PARK)
    return row["tariff_summary"]


async def revisions(site: Site) -> tuple[Any, ...]:
    (row,) = await site.rows(
        "SELECT revision, (SELECT revision FROM registry.car_park_revision WHERE id = $1) AS own"
        " FROM registry.revision_now",
        PARK,
    )
    return tuple(row)


async def test_the_sentence_of_what_is_in_force_is_shown(site: Site) -> None:
    assert await turn(site) is None
    before = await revisions(site)
    await in_force(site, hourly(3))
    await in_force(site, hourly(9), zone="B1")
    await in_force(site, hourly(5, valid_from=site.at(60), valid_until=site.at(120)))
    assert await turn(site) == {"zh": "每小时3元", "en": "3 yuan an hour"}
    told = await revisions(site)
    assert told[0] != before[0]
    assert told[1] != before[1], "whoever keeps a copy reads it again"
    await turn(site)
    assert await revisions(site) == told, "nothing new, nothing written"
    site.clock.advance(3600)
    assert (await turn(site))["en"] == "5 yuan an hour"
    site.clock.advance(3600)
    assert (await turn(site))["en"] == "3 yuan an hour"


async def test_an_operators_own_words_go_before_it(site: Site) -> None:
    await in_force(site, hourly(3))
    await turn(site)
    own = {"zh": "问保安", "en": "ask the guard"}
    assert (await site.put(f"/v1/operator/car-parks/{PARK}", park(tariff_summary=own))).status == 200
    assert await turn(site) == own
    shown = (await site.get(f"/v1/operator/car-parks/{PARK}", who="mira")).json
    assert shown["tariff_summary"] == own


async def test_a_tariff_that_is_over_is_shown_no_more(site: Site) -> None:
    await in_force(site, hourly(3, valid_until=site.at(60)))
    assert await turn(site) is not None
    site.clock.advance(3600)
    assert await turn(site) is None
    shown = (await site.get(f"/v1/operator/car-parks/{PARK}", who="mira")).json
    assert shown["tariff_summary"] is None
