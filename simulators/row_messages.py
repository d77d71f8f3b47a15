"""A recording's rows as `counts` messages. Pure.

A message is of one car park, because its topic is. A row that the wire format cannot mean (a negative count) is told
as it stands, alone in its message, so that nothing else is refused with it and the dead letter is exactly that row.
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from contracts.wire import CountReport, CountsMessage
from simulators.recording import Recording, Series

ROWS_MAX: Final = 1_000
"""Rows a message: a fifth of what the contract allows. A row has at most 110 bytes, so this is 110 kB of the 1 MiB."""
_COUNT_MAX: Final = 1_000_000
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class RowsMessage:
    """Some rows of one car park; `due_us` is the time of the last, microseconds since 1970. `alone`: not a good row."""

    series: Series
    rows: int
    due_us: int
    payload: bytes
    alone: bool = False


def row_messages(recording: Recording, *, span_us: int | None, rows_max: int = ROWS_MAX) -> Iterator[RowsMessage]:
    """Messages in the order of time over all car parks; each car park's rows stay in order.

    A message holds at most `rows_max` rows, within `span_us` of recorded time when given. Unreadable rows, which have
    no time, come at the end.
    """
    by_series = [_of_series(series, span_us, rows_max) for series in recording.series]
    last_us = 0
    for message in heapq.merge(*by_series, key=lambda message: message.due_us):
        last_us = message.due_us
        yield message
    for series in recording.series:
        for row in series.unreadable:
            report: dict[str, Any] = {"at": row.at, series.measure: row.value, "seq": row.row}
            if row.capacity is not None:
                report["capacity"] = row.capacity
            yield RowsMessage(series, 1, last_us, _encode(report), alone=True)


def _of_series(series: Series, span_us: int | None, rows_max: int) -> Iterator[RowsMessage]:
    start = 0
    while start < len(series):
        end = start + 1
        if _sensible(series, start):
            until_us = None if span_us is None else series.at_us[start] + span_us
            while (
                end < len(series)
                and end - start < rows_max
                and (until_us is None or series.at_us[end] < until_us)
                and _sensible(series, end)
            ):
                end += 1
            reports = [_report(series, index) for index in range(start, end)]
            yield RowsMessage(series, end - start, series.at_us[end - 1], _encode(CountsMessage(reports)))
        else:
            yield RowsMessage(series, 1, series.at_us[start], _encode(_report(series, start)), alone=True)
        start = end


def _report(series: Series, index: int) -> CountReport:
    at, capacity, value = series.at(index), series.capacity_at(index), series.values[index]
    if series.measure == "free":
        return CountReport(at, capacity=capacity, free=value, seq=series.rows[index])
    return CountReport(at, capacity=capacity, occupied=value, seq=series.rows[index])


def _sensible(series: Series, index: int) -> bool:
    return 0 <= series.values[index] <= _COUNT_MAX and 0 <= series.capacity_at(index) <= _COUNT_MAX
