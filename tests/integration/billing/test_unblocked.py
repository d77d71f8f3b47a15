"""Arrears that are paid at once, over REST: the vehicle that stands before a barrier because of them goes on."""

import pytest

from tests.integration.billing.conftest import CAR, Site
from tests.integration.billing.stays import fee, owed, stay
from tests.integration.billing.test_exit_decision import leave, orders
from tests.integration.billing.test_payments import Till

MINE = {"plate": CAR["plate"], "color": CAR["color"]}


@pytest.fixture
def till(site: Site) -> Till:
    return Till(site.database, site.clock)


async def test_paying_what_a_vehicle_owes_lets_it_go_on(site: Site, till: Till) -> None:
    made = (await site.post("/v1/agreements", {"vehicle": CAR})).json["id"]
    async with site.database.transaction() as tx:
        await owed(tx, await stay(tx, car_park="sy-8", minutes=0), 500, driver="ann")
        await owed(tx, await stay(tx, car_park="sy-9", minutes=0), 700, driver="ann")
    arrears = (await site.get("/v1/arrears", params=MINE)).json
    assert (arrears["total"]["amount"], arrears["hidden"]) == (1200, 0)
    async with site.database.transaction() as tx:
        session = await stay(tx)
    waits = await leave(site, session, fee(300))
    assert (waits.way, waits.reasons) == ("pay_at_barrier", ("unpaid",))
    body = {"charges": [one["id"] for one in arrears["items"]], "channel": "sandbox"}
    payment = (await site.post("/v1/payments", body)).json
    assert payment["amount"]["amount"] == 1200
    await till.carry.handle(payment["id"].encode())
    await site.ask("POST", payment["action"]["url"].removeprefix("http://127.0.0.1"), who=None)
    for headers, told in await till.sandbox.notifications(10):
        heard = await site.ask("POST", "/v1/callbacks/sandbox", who=None, headers=headers, data=told)
        assert heard.status == 200, heard.raw
    assert await orders(site) == [("open_barrier", "pay_later"), ("show_text", "pay_at_barrier")]
    assert (await site.get(f"/v1/agreements/{made}")).json["pays_later"]
    assert (await site.get("/v1/arrears", params=MINE)).json["total"]["amount"] == 0
