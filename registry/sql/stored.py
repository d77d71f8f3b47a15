"""How nested values lie in jsonb columns, both ways."""

from collections.abc import Iterable
from typing import Any

from contracts.ids import LaneLabel
from registry.catalogue import Entrance, Name


def name_stored(name: Name | None) -> dict[str, str] | None:
    """`{"zh": ..., "en": ...}`."""
    return None if name is None else {"zh": name.zh, "en": name.en}


def name_read(stored: dict[str, str] | None) -> Name | None:
    """The inverse of `name_stored`."""
    return None if stored is None else Name(stored["zh"], stored["en"])


def entrances_stored(entrances: Iterable[Entrance]) -> list[dict[str, Any]]:
    """`[{"lat", "lon", "name", "lane"}]`."""
    return [
        {"lat": entrance.lat, "lon": entrance.lon, "name": name_stored(entrance.name), "lane": entrance.lane}
        for entrance in entrances
    ]


def entrances_read(stored: list[dict[str, Any]]) -> tuple[Entrance, ...]:
    """The inverse of `entrances_stored`."""
    return tuple(
        Entrance(
            lat=entrance["lat"],
            lon=entrance["lon"],
            name=name_read(entrance["name"]),
            lane=None if entrance["lane"] is None else LaneLabel(entrance["lane"]),
        )
        for entrance in stored
    )
