"""Positions: WGS-84 inside, GCJ-02 (what Chinese maps draw) in and out on request."""

from enum import StrEnum
from typing import Annotated, Final, Self

import prcoords
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from contracts.ids import Latitude, Longitude

NULL_ISLAND: Final = "0, 0 lies in the Atlantic: the position was never filled in"


class Datum(StrEnum):
    """The datum of a position on the wire."""

    WGS84 = "wgs84"
    GCJ02 = "gcj02"


class Position(BaseModel):
    """Degrees; in the datum that was asked for, which `datum` repeats unless it is WGS-84."""

    model_config = ConfigDict(frozen=True)

    lat: float
    lon: float
    datum: Annotated[Datum | None, Field(exclude_if=lambda datum: datum is None)] = None

    @classmethod
    def of(cls, lat: float, lon: float, datum: Datum) -> "Position":
        """The WGS-84 position `lat`, `lon` in `datum`."""
        if datum is Datum.WGS84:
            return cls(lat=lat, lon=lon)
        converted = prcoords.wgs_gcj((lat, lon), check_china=False) if _in_china(lat, lon) else (lat, lon)
        return cls(lat=round(converted[0], 7), lon=round(converted[1], 7), datum=datum)


class PositionIn(BaseModel):
    """Degrees, in WGS-84 unless `datum` says `gcj02`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lat: Latitude
    lon: Longitude
    datum: Datum = Datum.WGS84

    @model_validator(mode="after")
    def _filled_in(self) -> Self:
        if self.lat == 0 == self.lon:
            raise PydanticCustomError("position_zero", NULL_ISLAND)
        return self

    def wgs84(self) -> tuple[float, float]:
        """Latitude and longitude in WGS-84; GCJ-02 is undone to well under a metre."""
        if self.datum is Datum.WGS84 or not _in_china(self.lat, self.lon):
            return self.lat, self.lon
        exact = prcoords.gcj_wgs_bored((self.lat, self.lon), check_china=False)
        return round(exact[0], 7), round(exact[1], 7)


def _in_china(lat: float, lon: float) -> bool:
    """Where GCJ-02 differs from WGS-84; the same bounds that the maps use."""
    return bool(prcoords.sanity_in_china_p(prcoords.Coords(lat, lon)))
