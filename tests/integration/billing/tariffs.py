"""Tariffs for tests."""

from typing import Any

from tests.integration.billing.conftest import MIRA, PARK, Site


def hourly(yuan: int = 3, **changes: Any) -> dict[str, Any]:
    """So many yuan a begun hour."""
    document = {
        "name": {"zh": f"每小时{yuan}元", "en": f"{yuan} yuan an hour"},
        "plans": [{"id": "all", "charge": {"kind": "units", "steps": [{"amount": yuan * 100, "unit_min": 60}]}}],
    }
    return {**document, **changes}


async def in_force(site: Site, document: dict[str, Any], *, who: str = MIRA, **query: str) -> Any:
    """The version, once it was taken."""
    answer = await site.post(f"/v1/operator/car-parks/{PARK}/tariffs", document, who=who, params=query)
    assert answer.status == 201, answer.raw
    return answer.json
