"""`GET /v1/districts`: the shapes that the map draws."""

from kernel.http import Raw, operation
from registry.districts import Districts


class DistrictsApi:
    """The districts as they were read at start."""

    def __init__(self, districts: Districts) -> None:
        self._districts = districts

    @operation(
        get="/v1/districts",
        summary="The city's districts as GeoJSON",
        tags=("car parks",),
        responses={200: "application/geo+json"},
    )
    async def all(self) -> Raw:
        """A FeatureCollection; properties `id` (what `district` filters by) and `name` in both languages."""
        return Raw(
            self._districts.geojson,
            content_type="application/geo+json",
            headers={"Cache-Control": "public, max-age=3600"},
            etag=self._districts.etag,
        )
