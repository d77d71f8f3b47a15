"""The generated city's tariffs: each of its car parks says what it charges, from the first second on."""

from billing.seed_tariffs import Priced, seed_tariffs
from billing.sql.tariffs import untold
from registry.city_generator import generate_city
from registry.districts import load_districts
from registry.seed import seed_city
from registry.tell_tariffs import tell_tariffs
from tests.integration.billing.conftest import Site


async def test_every_car_park_of_a_seeded_city_has_a_price(site: Site) -> None:
    city = generate_city(24, 40, load_districts(None))
    async with site.database.transaction() as tx:
        await seed_city(tx, city)
        told = [
            Priced(plan.car_park.id, plan.car_park.time_zone, plan.tariff, {"zh": summary.zh, "en": summary.en})
            for plan in city.plans
            if (summary := plan.car_park.tariff_summary) is not None
        ]
        assert await seed_tariffs(tx, told, tell_tariffs) == 40
        assert await untold(tx, limit=1) == []
    for plan in city.plans:
        body = {"car_park": plan.car_park.id, "from": site.at(-1440), "until": site.at(-1300)}
        answer = await site.ask("POST", "/v1/quotes", json=body, who=None)
        assert answer.status == 200, answer.raw
        standing = (await site.get(f"/v1/car-parks/{plan.car_park.id}/tariff", who=None)).json
        assert standing["name"]["en"] == plan.car_park.tariff_summary.en  # type: ignore[union-attr]  # told above
