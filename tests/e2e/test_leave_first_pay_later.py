"""A car drives in, leaves first, is charged, pays a day later, and its operator is settled: to the fen, over REST.

The devices are simulated and speak MQTT to a running `berth up`. The days in between are another start of the city on
the same data, with the clock put forward.
"""

import asyncio
import re
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import pytest

from contracts.wire import Plate
from tests.conftest import Eventually
from tests.e2e.asking import Api, token_of
from tests.e2e.conftest import StartCity
from tests.e2e.gates import Gate, gate_of
from tests.e2e.later import later

PARK, OPERATOR = "river-1", "river"
CAR_PARK = {
    "operator": OPERATOR,
    "name": {"zh": "浑河停车场", "en": "River"},
    "position": {"lat": 41.78, "lon": 123.43},
    "capacity": 40,
    "kind": "mall",
    "lanes": [{"lane": "E1", "direction": "entry"}, {"lane": "X1", "direction": "exit"}],
}
TARIFF = {
    "name": {"zh": "每小时5元", "en": "5 yuan an hour"},
    "plans": [{"id": "all", "charge": {"kind": "units", "steps": [{"amount": 500, "unit_min": 60}]}}],
    "valid_from": "2026-01-01T00:00:00+08:00",
}
STAY = timedelta(minutes=100)
FEE = 1_000
"""Two begun hours."""
POLICY = {"platform_share_bp": 500}
LATER = Plate("辽A10007", "blue")
"""Has an agreement; the sandbox collects a day later."""
FAILS = Plate("辽A90001", "blue")
"""Has an agreement, and the sandbox cannot collect: the driver pays a day later himself."""
NOW = Plate("辽A10008", "blue")
"""Has none, and pays at the barrier."""


@pytest.mark.timeout(240)
async def test_a_car_leaves_first_pays_a_day_later_and_its_operator_is_settled(
    start_city: StartCity, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BERTH_BILLING__CHANNELS__SANDBOX__COLLECTS_AFTER_S", "80000")
    city = start_city()
    operator, driver = city.ready.tokens["operator"], await asyncio.to_thread(token_of, city, "ann")
    api = Api(city.ready.http)
    city.send("PUT", f"/v1/operator/car-parks/{PARK}", CAR_PARK)
    await api.ask(operator, "PUT", f"/v1/operator/car-parks/{PARK}/tariff", TARIFF)
    await api.ask(operator, "PUT", f"/v1/operator/car-parks/{PARK}/billing-policy", POLICY)
    for plate in (LATER, FAILS):
        vehicle = {"plate": plate.plate, "color": plate.color}
        agreed = await api.ask(driver, "POST", "/v1/agreements", {"vehicle": vehicle, "channel": "sandbox"})
        assert (agreed["state"], agreed["pays_later"]) == ("active", True)

    async with gate_of(PARK, city.ready.http, city.ready.mqtt, operator) as gate:
        await _all_leave(gate, api, eventually)

    async def are_accepted() -> bool:
        charges = await api.items(driver, "/v1/charges")
        said = [(one["state"], one["amount"]["amount"], one["open"]["amount"], one["channel"]) for one in charges]
        assert said == [("accepted", FEE, FEE, "sandbox")] * 2
        return True

    await eventually(are_accepted, within_s=30)
    assert city.stop() == 0
    monkeypatch.delenv("BERTH_BILLING__CHANNELS__SANDBOX__COLLECTS_AFTER_S")

    async with later(city.data_dir, timedelta(days=1)) as then:
        api = Api(then.http)
        await _both_pay(api, driver, eventually)
        then.clock.put_forward(timedelta(days=1, hours=12))
        await then.have_done("billing.settle")
        await _operator_is_paid(api, operator, eventually)


async def _all_leave(gate: Gate, api: Api, eventually: Eventually) -> None:
    """Two before they pay; the third has paid by the code on the display."""
    for plate in (LATER, FAILS, NOW):
        await gate.sees(plate, "E1", ago=STAY)
    for number, plate in enumerate((LATER, FAILS), 1):
        await gate.sees(plate, "X1")
        await eventually(partial(_has_opened, gate, number))
    await gate.sees(NOW, "X1")
    code = await eventually(lambda: re.search(r"/pay/chg_[0-9a-f]{32}", gate.shows("X1")))
    assert gate.shows("X1").startswith("请付10.00元")
    assert gate.opened("X1") == 2, "until it is paid"
    page = await api.ask(None, "POST", f"{code[0]}/sandbox")
    order = re.search(r"/v1/sandbox/orders/[0-9A-Za-z]+", page)
    assert order is not None, page
    await eventually(partial(api.press, order[0]))
    await eventually(partial(_has_opened, gate, 3))


async def _both_pay(api: Api, driver: str, eventually: Eventually) -> None:
    """From one the channel collects; from the other it cannot, and he does it himself."""
    (due,) = await eventually(partial(api.items, driver, "/v1/charges?state=due"), within_s=30)
    assert (due["vehicle"]["plate"], due["open"]["amount"]) == (FAILS.plate, FEE)
    payment = await api.ask(driver, "POST", "/v1/payments", {"charges": [due["id"]], "channel": "sandbox"})
    await eventually(partial(api.press, urlsplit(payment["action"]["url"]).path))

    async def are_over() -> bool:
        stays = await api.items(driver, "/v1/sessions")
        assert [(stay["state"], stay["amount"]["amount"]) for stay in stays] == [("closed", FEE)] * 2
        return True

    await eventually(are_over, within_s=30)
    paid = await api.items(driver, "/v1/charges?state=paid")
    assert [charge["paid"]["amount"] for charge in paid] == [FEE, FEE]


async def _operator_is_paid(api: Api, operator: str, eventually: Eventually) -> None:
    """For both days: of what was paid, less the platform's twentieth and the channel's 0.6 %."""

    async def reconciled() -> list[Any]:
        days = await api.items(operator, "/v1/operator/settlements")
        assert [day["state"] for day in days] == ["reconciled"] * 2, days
        return days

    days = await eventually(reconciled, within_s=30)
    assert [_fen(day["figures"]) for day in days] == [
        {"payments": 2, "gross": 2_000, "platform": 100, "fees": 12, "net": 1_888},
        {"payments": 1, "gross": 1_000, "platform": 50, "fees": 6, "net": 944},
    ]
    for day in days:
        path = f"/v1/operator/settlements/{day['id']}"
        assert await api.items(operator, f"{path}/differences") == []
        paid_out = await api.ask(operator, "POST", f"{path}/pay-out", {})
        assert (paid_out["state"], paid_out["paid"]["amount"]) == ("paid_out", day["figures"]["net"]["amount"])


def _has_opened(gate: Gate, times: int) -> bool:
    return gate.opened("X1") == times


def _fen(figures: Any) -> dict[str, int]:
    names = ("payments", "gross", "platform", "fees", "net")
    return {name: figures[name] if name == "payments" else figures[name]["amount"] for name in names}
