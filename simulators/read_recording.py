"""Read a recording from a file: which format it is, by its columns, and the rows of every car park."""

import csv
import gzip
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, TextIO
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from simulators.local_time import WallTime, placed
from simulators.recording import EPOCH, Measure, Recording, Series, UnknownRecording, Unreadable, slug_of, title_of

_NUMBER_MAX: Final = 2**62  # what a row's number may be without being unreadable; the gateway judges it


@dataclass(frozen=True, slots=True)
class _Format:
    """Which columns mean what; `capacity` None: it stands in `<name>_lots.csv` beside the file."""

    name: str
    car_park: str
    at: str
    value: str
    measure: Measure
    capacity: str | None
    time_zone: str


# The published recordings of the first kind carry no zone and are all of British cities.
FORMATS: Final = (
    _Format("occupancy-log", "SystemCodeNumber", "LastUpdated", "Occupancy", "occupied", "Capacity", "Europe/London"),
    _Format("free-changes", "place_id", "timestamp_utc", "free", "free", None, "UTC"),
)


def read_recording(path: Path, *, time_zone: str | None = None) -> Recording:
    """Read a recording, plain or gzipped. `time_zone` overrides the format's own for times without an offset.

    Raises UnknownRecording, and OSError when there is no such file.
    """
    try:
        with _table(path) as file:
            reader = csv.reader(file)
            header = [name.strip() for name in next(reader, [])]
            found = next((each for each in FORMATS if _columns(each) <= set(header)), None)
            if found is None:
                raise UnknownRecording(f"{path}: no known recording has the columns {', '.join(header)[:200]!r}")
            zone = _zone(time_zone or found.time_zone)
            gathered = _Gathering(found, header, zone)
            for line in reader:
                gathered.add(line, reader.line_num)
    except (csv.Error, UnicodeDecodeError, gzip.BadGzipFile, EOFError) as error:
        raise UnknownRecording(f"{path}: {error}") from error
    for each in gathered.series.values():
        _in_order_of_time(each)
    if found.capacity is None:
        _take_lots(path, gathered.series)
    return Recording(
        path, found.name, str(zone), list(gathered.series.values()), gathered.wall_times, gathered.warnings
    )


class _Gathering:
    """Rows put into the series of their car parks, in the order of the file."""

    def __init__(self, form: _Format, header: Sequence[str], zone: ZoneInfo) -> None:
        self.series: dict[tuple[str, str], Series] = {}
        self.wall_times: Counter[WallTime] = Counter()
        self.warnings: list[str] = []
        self._form = form
        self._zone = zone
        self._name, self._at, self._value = (header.index(name) for name in (form.car_park, form.at, form.value))
        self._capacity = header.index(form.capacity) if form.capacity else None
        self._city = header.index("city") if "city" in header else None
        self._ids: set[str] = set()
        self._last: dict[tuple[str, str], datetime] = {}

    def add(self, line: Sequence[str], number: int) -> None:
        """One line of the file; empty lines are nothing, lines without a car park a warning."""
        if not any(line):
            return
        name = line[self._name] if self._name < len(line) else ""
        if not name.strip():
            self.warnings.append(f"line {number}: no car park")
            return
        key = (line[self._city] if self._city is not None and self._city < len(line) else "", name)
        series = self.series.get(key) or self._new(key)
        row = len(series.values) + len(series.unreadable)
        try:
            wall = datetime.fromisoformat(line[self._at].strip())
            value = _whole(line[self._value])
            capacity = _whole(line[self._capacity]) if self._capacity is not None else None
            at, doubt = placed(wall, self._zone, after=self._last.get(key))
        except (ValueError, IndexError, OverflowError):
            series.unreadable.append(self._unreadable(line, number, row))
            return
        self._last[key] = at
        if doubt is not WallTime.PLAIN:
            self.wall_times[doubt] += 1
        since = at - EPOCH
        series.at_us.append((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds)
        series.values.append(value)
        series.rows.append(row)
        if capacity is not None:
            series.capacities.append(capacity)
            series.capacity = capacity

    def _new(self, key: tuple[str, str]) -> Series:
        name = key[1]
        identity = slug_of(name, lambda slug: slug in self._ids)
        if identity != slug_of(name):
            self.warnings.append(f"{name!r} is told as {identity!r}: another name has that id already")
        self._ids.add(identity)
        self.series[key] = Series(name, identity, title_of(name), self._form.measure)
        return self.series[key]

    def _unreadable(self, line: Sequence[str], number: int, row: int) -> Unreadable:
        def cell(index: int | None) -> str:
            return line[index][:100] if index is not None and index < len(line) else ""

        capacity = None if self._capacity is None else cell(self._capacity)
        return Unreadable(number, row, cell(self._at), cell(self._value), capacity)


def _in_order_of_time(series: Series) -> None:
    """Sort by time, keeping the file's order within one time; then number exact repeats like what they repeat."""
    at_us, values, capacities, rows = series.at_us, series.values, series.capacities, series.rows
    if any(at_us[index] < at_us[index - 1] for index in range(1, len(at_us))):
        order = sorted(range(len(at_us)), key=at_us.__getitem__)
        series.at_us = at_us = array("q", (at_us[index] for index in order))
        series.values = values = array("q", (values[index] for index in order))
        series.rows = rows = array("q", (rows[index] for index in order))
        if capacities:
            series.capacities = capacities = array("q", (capacities[index] for index in order))
    start = 0
    for index in range(1, len(at_us)):
        if at_us[index] != at_us[start]:
            start = index
            continue
        for earlier in range(start, index):
            if values[earlier] == values[index] and (not capacities or capacities[earlier] == capacities[index]):
                rows[index] = rows[earlier]
                series.repeats += 1
                break


def _take_lots(path: Path, series: Mapping[tuple[str, str], Series]) -> None:
    """Names, places and capacities from `<name>_lots.csv`, which may be missing, stale or too small."""
    lots: dict[tuple[str, str], Mapping[str, str]] = {}
    beside = [path.parent / f"{path.name.partition('_free')[0]}_lots.csv{ending}" for ending in ("", ".gz")]
    for lots_path in beside:
        if lots_path.is_file():
            with _table(lots_path) as file:
                for row in csv.DictReader(file):
                    lots[row.get("city") or "", row.get("place_id") or ""] = row
            break
    for (city, name), each in series.items():
        lot = lots.get((city, name)) or lots.get(("", name)) or {}
        each.title = title_of(lot.get("place_name") or name)
        each.position = _position(lot.get("latitude") or "", lot.get("longitude") or "")
        ordered = sorted(each.values)
        seen = ordered[int(0.999 * (len(ordered) - 1))] if ordered else 0
        each.capacity = max(_number_or_zero(lot.get("capacity") or ""), seen, 1)


def _position(latitude: str, longitude: str) -> tuple[float, float] | None:
    try:
        lat, lon = float(latitude), float(longitude)
    except ValueError:
        return None
    return (lat, lon) if -90 <= lat <= 90 and -180 <= lon <= 180 else None


def _whole(text: str) -> int:
    """A whole number, also when a spreadsheet wrote it as `12.0`. Raises ValueError, OverflowError."""
    try:
        number = int(text)
    except ValueError:
        fraction = float(text)
        number = int(fraction)
        if number != fraction:
            raise
    if abs(number) > _NUMBER_MAX:
        raise ValueError("out of range")
    return number


def _number_or_zero(text: str) -> int:
    try:
        return int(float(text))
    except (ValueError, OverflowError):
        return 0


def _columns(form: _Format) -> set[str]:
    return {form.car_park, form.at, form.value} | ({form.capacity} if form.capacity else set())


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise UnknownRecording(f"no time zone {name!r}") from error


@contextmanager
def _table(path: Path) -> Iterator[TextIO]:
    """The file's text, unpacked when it is gzipped, whatever it is called."""
    with path.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
    if packed:
        with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as file:
            yield file
    else:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield file
