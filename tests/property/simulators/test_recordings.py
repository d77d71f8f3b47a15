"""Every row is told, once, in its car park's order, in messages the contract allows."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from contracts.wire import CountsMessage
from simulators.local_time import placed
from simulators.recording import EPOCH, Recording, Series
from simulators.row_messages import row_messages

row = st.tuples(st.integers(0, 10**12), st.one_of(st.integers(-5, 900), st.integers(-(10**7), 10**7)))


def _series(name: str, rows: list[tuple[int, int]]) -> Series:
    series = Series(name, name, name, "occupied", 500)  # type: ignore[arg-type]  # any name does
    for number, (at_us, value) in enumerate(sorted(rows)):
        series.at_us.append(at_us * 1000)
        series.values.append(value)
        series.rows.append(number)
    return series


@given(
    st.lists(st.lists(row, max_size=40), max_size=4),
    st.integers(1, 12),
    st.one_of(st.none(), st.integers(1, 10**15)),
)
def test_every_row_is_told_once_and_in_order(
    rows: list[list[tuple[int, int]]], rows_max: int, span_us: int | None
) -> None:
    series = [_series(f"p{number}", each) for number, each in enumerate(rows)]
    recording = Recording(Path("x"), "x", "UTC", series, {}, [])
    told: dict[str, list[tuple[datetime, int]]] = {each.name: [] for each in series}
    for message in row_messages(recording, span_us=span_us, rows_max=rows_max):
        assert message.rows <= rows_max
        if message.alone:
            bare = msgspec.json.decode(message.payload)
            reports = [(datetime.fromisoformat(bare["at"]), bare["occupied"])]
            assert not 0 <= bare["occupied"] <= 1_000_000
        else:
            counts = msgspec.json.decode(message.payload, type=CountsMessage).counts
            reports = [(count.at, -1 if count.occupied is None else count.occupied) for count in counts]
        assert len(reports) == message.rows
        assert span_us is None or reports[-1][0] - reports[0][0] < timedelta(microseconds=span_us)
        told[message.series.name] += reports
    for each in series:
        meant = [(EPOCH + timedelta(microseconds=at), value) for at, value in zip(each.at_us, each.values, strict=True)]
        assert told[each.name] == meant


@given(
    st.datetimes(datetime(1975, 1, 1), datetime(2035, 1, 1)),
    st.sampled_from(["Europe/London", "America/New_York", "Asia/Shanghai", "Australia/Lord_Howe", "UTC"]),
)
def test_the_hour_of_a_clock_that_ran_through_is_found_again(moment: datetime, zone: str) -> None:
    """What the wall showed, read again with the moment just before known, is the moment itself."""
    instant = moment.replace(tzinfo=UTC)
    wall = instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0)
    found, _ = placed(wall, ZoneInfo(zone), after=instant - timedelta(seconds=1))
    assert found == instant
