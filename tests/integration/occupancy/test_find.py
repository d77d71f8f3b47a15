"""What `GET /v1/car-parks` refuses, and that it names the parameter."""

import pytest

from tests.integration.kernel.conftest import Site


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("near=95,123", "near"),
        ("near=41.8,123.4&radius_m=nan", "radius_m"),
        ("near=41.8,123.4&radius_m=inf", "radius_m"),
        ("near=41.8,123.4&radius_m=0", "radius_m"),
        ("near=41.8,123.4&radius_m=-5", "radius_m"),
        ("near=41.8,123.4&radius_m=1000001", "radius_m"),
        ("radius_m=500", "radius_m"),
        ("bbox=0,91,1,92", "bbox"),
        ("bbox=181,41,182,42", "bbox"),
        ("bbox=124,41,123,42", "bbox"),
        ("bbox=123,42,124,41", "bbox"),
        ("min_free=-1", "min_free"),
        ("min_free=100001", "min_free"),
        ("limit=0", "limit"),
        ("limit=2001", "limit"),
        ("datum=bd09", "datum"),
    ],
)
async def test_a_parameter_out_of_range_is_named(site: Site, query: str, field: str) -> None:
    async with site.client.get(f"/v1/car-parks?{query}") as answer:
        problem = await answer.json()
    assert (answer.status, problem["code"]) == (400, "invalid-parameter")
    assert [error["field"] for error in problem["errors"]] == [field]
    assert field in problem["detail"]
