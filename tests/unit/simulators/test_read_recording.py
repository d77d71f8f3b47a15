"""Recordings are read as they are: by columns, in order of time, repeats known as repeats, nonsense kept apart."""

import gzip
from datetime import UTC, datetime
from pathlib import Path

import pytest

from simulators.local_time import WallTime
from simulators.read_recording import read_recording
from simulators.recording import Series, UnknownRecording, slug_of


def _times(series: Series) -> list[str]:
    return [series.at(index).isoformat(timespec="minutes")[:16] for index in range(len(series))]


def test_a_log_of_occupancy_in_local_time(recordings: Path) -> None:
    recording = read_recording(recordings / "autumn.csv")
    street, dashed, north = recording.series
    assert (recording.format, recording.time_zone, recording.rows) == ("occupancy-log", "Europe/London", 15)
    assert (street.id, dashed.id, north.id) == ("long-row", "long-row-2", "nia--north--")
    assert (street.measure, street.capacity, list(street.capacities)) == ("occupied", 100, [100] * 8)
    assert list(street.values) == [10, 11, 12, 13, 14, 14, 15, 16]
    assert _times(street) == [
        "2016-10-29T23:45",
        "2016-10-30T00:15",
        "2016-10-30T00:45",
        "2016-10-30T01:15",
        "2016-10-30T01:45",
        "2016-10-30T01:45",
        "2016-10-30T01:45",
        "2016-10-30T02:15",
    ]
    assert recording.wall_times == {WallTime.AMBIGUOUS: 6, WallTime.NONEXISTENT: 1}


def test_an_exact_repeat_has_the_number_of_the_row_it_repeats(recordings: Path) -> None:
    street = read_recording(recordings / "autumn.csv").series[0]
    assert list(street.rows) == [0, 1, 2, 3, 4, 4, 6, 7]
    assert street.repeats == 1


def test_rows_are_put_in_order_and_keep_their_numbers(recordings: Path) -> None:
    north = read_recording(recordings / "autumn.csv").series[2]
    assert (list(north.values), list(north.rows)) == ([8, 7], [3, 0])
    assert [(row.line, row.row, row.at, row.value) for row in north.unreadable] == [
        (15, 1, "2016-07-01 12:30:00", "many"),
        (16, 2, "yesterday", "9"),
    ]


def test_warnings_name_what_is_told_differently(recordings: Path) -> None:
    warnings = read_recording(recordings / "autumn.csv").warnings
    assert [warning.partition(":")[0] for warning in warnings] == [
        "'LONG-ROW' is told as 'long-row-2'",
        "line 18",
    ]


def test_changes_of_free_spaces_with_their_lots_beside(recordings: Path) -> None:
    recording = read_recording(recordings / "village_free_2024-05.csv.gz")
    market, station, hamlet = recording.series
    assert (recording.format, recording.time_zone, recording.rows) == ("free-changes", "UTC", 6)
    assert (market.id, market.title, market.capacity, market.position) == (
        "village-markt",
        "Märkt/Platz",
        20,
        (51.05, 13.74),
    )
    assert (station.capacity, station.position, hamlet.id, hamlet.capacity) == (41, None, "village-markt-2", 3)
    assert [station.capacity_at(index) for index in range(3)] == [41, 55, 41]
    assert station.at(0) == datetime(2024, 5, 1, 6, 0, 2, tzinfo=UTC)
    assert recording.wall_times == {}


def test_another_time_zone_can_be_named(recordings: Path) -> None:
    recording = read_recording(recordings / "autumn.csv", time_zone="Asia/Shanghai")
    assert recording.series[0].at(0) == datetime(2016, 10, 29, 16, 45, tzinfo=UTC)
    assert recording.wall_times == {}


def test_packed_or_plain_by_content_not_by_name(recordings: Path, tmp_path: Path) -> None:
    packed = tmp_path / "autumn.csv"
    packed.write_bytes(gzip.compress((recordings / "autumn.csv").read_bytes()))
    assert read_recording(packed).rows == read_recording(recordings / "autumn.csv").rows


def test_whole_numbers_may_be_written_with_a_fraction_of_nothing(tmp_path: Path) -> None:
    file = tmp_path / "a_free_b.csv"
    file.write_text("timestamp_utc,place_id,free\n2024-05-01T06:00:00Z,a,12.0\n2024-05-01T06:05:00Z,a,12.5\n")
    (series,) = read_recording(file).series
    assert (list(series.values), [row.value for row in series.unreadable]) == ([12], ["12.5"])


@pytest.mark.parametrize(
    "content",
    [b"", b"a,b\n1,2\n", b"\xff\xfe\x00", b"\x1f\x8bnot gzip", gzip.compress(b"SystemCodeNumber,x\n" * 50)[:40]],
    ids=["empty", "csv of something", "binary", "not gzip", "cut gzip"],
)
def test_what_is_no_recording_is_said_to_be_none(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(content)
    with pytest.raises(UnknownRecording):
        read_recording(file)


def test_an_unknown_time_zone_is_refused(recordings: Path) -> None:
    with pytest.raises(UnknownRecording, match="no time zone"):
        read_recording(recordings / "autumn.csv", time_zone="Mars/Olympus")


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("BHMBCCMKT01", "bhmbccmkt01"),
        ("NIA Car Parks", "nia-car-parks"),
        ("Wöhrl / Florentinum", "w-hrl---florentinum"),
        ("停车场", "---"),
        ("x" * 70, "x" * 64),
    ],
)
def test_names_become_ids(name: str, slug: str) -> None:
    assert slug_of(name) == slug


def test_a_taken_id_is_numbered_and_stays_short_enough() -> None:
    taken = {"x" * 64, "x" * 62 + "-2"}
    assert slug_of("X" * 64, taken.__contains__) == "x" * 62 + "-3"
