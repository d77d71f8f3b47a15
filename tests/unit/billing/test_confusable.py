"""Whose exit it may have been, and when nobody has to be asked."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from billing.confusable import Exit, Inside, decided, proposals, resembling

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def left(**changes: Any) -> Exit:
    said = {"plate": "辽A1234B", "color": "blue", "at": NOW, "confidence": 0.6}
    return Exit(**{**said, **changes})


def came(hours: float = 1, **changes: Any) -> Inside:
    said = {
        "session": "ses_1",
        "plate": "辽A12348",
        "color": "blue",
        "entry_at": NOW - timedelta(hours=hours),
        "confidence": 0.98,
    }
    return Inside(**{**said, **changes})


def test_plates_look_alike_in_one_character_and_in_both_directions() -> None:
    assert "辽A12348" in resembling("辽A1234B")
    assert "辽A1234B" in resembling("辽A12348")
    assert "辽AI2348" not in resembling("辽A1234B"), "two characters are two mistakes"
    assert resembling("辽A33333") == set()
    assert all(plate in resembling(other) for plate in ("辽A00000",) for other in resembling(plate))


def test_the_only_one_inside_that_looks_alike_is_taken() -> None:
    taken = decided(left(), [came()], confidence_below=0.9)
    assert taken is not None
    assert (taken.session, taken.is_exit_wrong) == ("ses_1", True)
    worse = decided(left(confidence=0.95), [came(confidence=0.5)], confidence_below=0.9)
    assert worse is not None
    assert not worse.is_exit_wrong


@pytest.mark.parametrize(
    ("out", "inside"),
    [
        (left(), [came(), came(session="ses_2", plate="辽A1Z34B")]),
        (left(confidence=0.97), [came()]),
        (left(confidence=None), [came(confidence=None)]),
        (left(color="green"), [came()]),
        (left(color=None), [came()]),
        (left(is_known=True), [came()]),
        (left(), [came(others=1)]),
        (left(plate="辽A12348", color="yellow"), [came()]),
    ],
    ids=["two", "sure", "unsaid", "colour", "no-colour", "known", "another-exit", "same-plate"],
)
def test_a_person_decides_where_anything_speaks_against_it(out: Exit, inside: list[Inside]) -> None:
    assert decided(out, inside, confidence_below=0.9) is None
    assert proposals(out, inside)


def test_what_came_later_is_not_meant_and_the_sooner_one_is_likelier() -> None:
    assert proposals(left(), [came(hours=-1)]) == []
    first, second = proposals(left(), [came(hours=30), came(session="ses_2", hours=1)])
    assert (first.session, second.session) == ("ses_2", "ses_1")
    assert 0 <= second.likelihood < first.likelihood <= 1
