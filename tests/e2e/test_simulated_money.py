"""The demo's cars are billed: some pay at the barrier, some leave first and are collected from, and some owe."""

import pytest

from tests.conftest import Eventually
from tests.e2e.outside import City


@pytest.mark.timeout(300)
async def test_stays_come_about_and_are_paid_for(city: City, eventually: Eventually) -> None:
    key = city.ready.tokens["operator"]

    def ways() -> set[str]:
        paid = city.get("/v1/operator/payments?state=succeeded&limit=200", key)["items"]
        assert all(payment["amount"]["amount"] > 0 for payment in paid)
        return {payment["way"] for payment in paid}

    await eventually(lambda: ways() == {"now", "later"}, within_s=240)
