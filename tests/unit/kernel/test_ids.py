"""Identifiers sort by the time they were made."""

from datetime import UTC, datetime, timedelta

from kernel.ids import new_id

NOW = datetime(2026, 11, 23, 8, 0, 0, 123000, tzinfo=UTC)


def test_an_id_carries_its_prefix_and_its_millisecond() -> None:
    made = new_id("pas", NOW)
    prefix, _, digits = made.partition("_")
    assert prefix == "pas"
    assert len(digits) == 32
    assert int(digits[:12], 16) == 1795420800123
    assert digits[12] == "7"


def test_ids_sort_by_time_and_never_repeat() -> None:
    made = [new_id("ses", NOW + timedelta(milliseconds=step)) for step in range(100)]
    assert made == sorted(made)
    assert len({new_id("ses", NOW) for _ in range(1000)}) == 1000
