"""The settings section of the registry."""

from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, field_validator

from registry.time_zones import is_time_zone

FEED_BYTES_MAX = 8 * 1024 * 1024
"""A national feed of 10,000 sites; a feed is parsed in memory, which takes up to fifty times its size."""


class RegistrySettings(BaseModel):
    """The city: its name in both languages, its clock, its districts.

    `districts_file` is the city's own GeoJSON of districts (properties `id`, `name`); without it, Shenyang's.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    city_zh: str = "沈阳"
    city_en: str = "Shenyang"
    time_zone: str = "Asia/Shanghai"
    districts_file: Path | None = None
    feed_bytes_max: int = Field(default=FEED_BYTES_MAX, ge=1024)

    @field_validator("time_zone")
    @classmethod
    def _known(cls, name: str) -> str:
        if not is_time_zone(name):
            raise ValueError(f"{name} is not an IANA time zone such as Asia/Shanghai")
        return name

    @property
    def zone(self) -> ZoneInfo:
        """The city's time zone: of car parks that name none, and of times in feeds that carry no offset."""
        return ZoneInfo(self.time_zone)
