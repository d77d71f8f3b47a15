"""Metres on a map sheet back to degrees: the inverse transverse Mercator of the grids that cities publish in.

L. Krüger's series to the fourth order in n (Karney 2011, eqs. 7-36), good to well under a millimetre within a zone. All
grids here use an ellipsoid that agrees with WGS-84 to a millimetre or so (GRS 80, CGCS 2000), so no datum shift.
"""

import math
from dataclasses import dataclass

FALSE_EASTING_M = 500_000.0
_A = 6_378_137.0
_F = 1 / 298.257222101
_N = _F / (2 - _F)
_RECTIFYING_M = _A / (1 + _N) * (1 + _N**2 / 4 + _N**4 / 64)
_BETA = (
    _N / 2 - 2 * _N**2 / 3 + 37 * _N**3 / 96 - _N**4 / 360,
    _N**2 / 48 + _N**3 / 15 - 437 * _N**4 / 1440,
    17 * _N**3 / 480 - 37 * _N**4 / 840,
    4397 * _N**4 / 161280,
)
_ECCENTRICITY = math.sqrt(_F * (2 - _F))


@dataclass(frozen=True, slots=True)
class Grid:
    """A transverse Mercator grid: central meridian in degrees, scale on it, false easting and northing in metres."""

    meridian: float
    scale: float
    false_easting_m: float = FALSE_EASTING_M
    false_northing_m: float = 0.0


def grid_of(epsg: int) -> Grid | None:
    """The grid of an EPSG code; None when it is not one of these: UTM on WGS-84 (326xx, 327xx) and ETRS89 (258xx),

    CGCS 2000 in 3-degree zones with (4513-4533) and without (4534-4554) the zone's number in the easting.
    """
    zone = epsg % 100
    if epsg // 100 in (326, 327) and 1 <= zone <= 60:
        return Grid(zone * 6 - 183, 0.9996, false_northing_m=10_000_000.0 if epsg // 100 == 327 else 0.0)
    if 25828 <= epsg <= 25838:
        return Grid(zone * 6 - 183, 0.9996)
    if 4513 <= epsg <= 4533:
        number = epsg - 4513 + 25
        return Grid(number * 3, 1.0, false_easting_m=number * 1_000_000 + FALSE_EASTING_M)
    if 4534 <= epsg <= 4554:
        return Grid((epsg - 4534 + 25) * 3, 1.0)
    return None


def to_degrees(grid: Grid, easting_m: float, northing_m: float) -> tuple[float, float] | None:
    """Latitude and longitude in degrees; None for metres that lie far outside any zone of the grid."""
    xi = (northing_m - grid.false_northing_m) / (grid.scale * _RECTIFYING_M)
    eta = (easting_m - grid.false_easting_m) / (grid.scale * _RECTIFYING_M)
    if abs(xi) > math.pi / 2 or abs(eta) > 0.2:
        return None
    xi0, eta0 = xi, eta
    for order, beta in enumerate(_BETA, start=1):
        xi0 -= beta * math.sin(2 * order * xi) * math.cosh(2 * order * eta)
        eta0 -= beta * math.cos(2 * order * xi) * math.sinh(2 * order * eta)
    conformal = math.asin(max(-1.0, min(1.0, math.sin(xi0) / math.cosh(eta0))))
    latitude = _geodetic(conformal)
    longitude = grid.meridian + math.degrees(math.atan2(math.sinh(eta0), math.cos(xi0)))
    return round(math.degrees(latitude), 7), round(longitude, 7)


def _geodetic(conformal: float) -> float:
    """The geodetic latitude of a conformal one, by fixed-point iteration (converges by a factor of e² a step)."""
    isometric = math.atanh(max(-1 + 1e-15, min(1 - 1e-15, math.sin(conformal))))
    latitude = conformal
    for _ in range(8):
        sine = math.sin(latitude)
        latitude = math.asin(math.tanh(isometric + _ECCENTRICITY * math.atanh(_ECCENTRICITY * sine)))
    return latitude
