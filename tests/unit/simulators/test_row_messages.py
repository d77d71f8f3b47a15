"""Rows become messages that one car park could have sent."""

from pathlib import Path

import msgspec

from simulators.read_recording import read_recording
from simulators.row_messages import row_messages


def test_rows_go_together_and_nonsense_goes_alone(recordings: Path) -> None:
    messages = list(row_messages(read_recording(recordings / "autumn.csv"), span_us=None))
    assert [(message.series.id, message.rows, message.alone) for message in messages] == [
        ("long-row-2", 2, False),
        ("long-row-2", 1, True),
        ("nia--north--", 2, False),
        ("long-row", 8, False),
        ("nia--north--", 1, True),
        ("nia--north--", 1, True),
    ]
    assert msgspec.json.decode(messages[1].payload) == {
        "at": "2016-03-27T01:30:00Z",
        "capacity": 80,
        "occupied": -3,
        "seq": 2,
    }
    assert msgspec.json.decode(messages[-1].payload) == {
        "at": "yesterday",
        "occupied": "9",
        "seq": 2,
        "capacity": "480",
    }


def test_a_message_spans_no_more_recorded_time_than_asked(recordings: Path) -> None:
    messages = list(row_messages(read_recording(recordings / "autumn.csv"), span_us=60_000_000))
    rows = [message.rows for message in messages if message.series.id == "long-row"]
    assert rows == [1, 1, 1, 1, 3, 1]
    due = [message.due_us for message in messages]
    assert due == sorted(due)


def test_free_spaces_beyond_the_capacity_raise_it_for_that_row(recordings: Path) -> None:
    messages = row_messages(read_recording(recordings / "village_free_2024-05.csv.gz"), span_us=None)
    counts = msgspec.json.decode(next(m for m in messages if m.series.id == "village-bahnhof").payload)["counts"]
    assert [(count["free"], count["capacity"]) for count in counts] == [(40, 41), (55, 55), (41, 41)]
