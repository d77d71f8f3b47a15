"""Worse data never has a better score, whatever else is seen of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from occupancy.health import LATENCY_CLASSES, HealthHour
from occupancy.quality import BEST, BY_CODE, WINDOW_H, Present, rate

NOW = datetime(2026, 11, 23, 8, 30, tzinfo=UTC)
BAD_OF = {
    "dark": "looks",
    "overfull": "looks",
    "unheard": "capacity",
    "silent": "spaces",
    "flapping": "spaces",
    "gapped": "sources",
}
"""What is bad, and what it is a part of."""
BAD_WORDS = ("lost", "duplicate", "late", "rejected", "clock_ahead")

counts = st.integers(0, 5_000)


@st.composite
def hours(draw: Any) -> list[HealthHour]:
    made = []
    for ago in sorted(draw(st.sets(st.integers(0, WINDOW_H + 3), max_size=6))):
        wholes = {whole: draw(counts) for whole in sorted(set(BAD_OF.values()))}
        parts = {part: draw(st.integers(0, wholes[whole])) for part, whole in BAD_OF.items()}
        words = {name: draw(counts) for name in ("stored", *BAD_WORDS)}
        latencies = draw(st.lists(counts, min_size=LATENCY_CLASSES, max_size=LATENCY_CLASSES) | st.just([]))
        begin = NOW.replace(minute=0) - timedelta(hours=ago)
        made.append(HealthHour(begin, **wholes, **parts, **words, latencies=latencies))
    return made


presents = st.builds(Present, st.booleans(), st.floats(0, 1))


@given(hours(), presents, st.data())
def test_more_of_anything_bad_never_raises_it(seen: list[HealthHour], present: Present, data: st.DataObject) -> None:
    before = rate(seen, NOW, present)
    assert rate(seen, NOW, Present(True, present.drift)).score <= before.score
    assert rate(seen, NOW, Present(present.dark, data.draw(st.floats(present.drift, 1)))).score <= before.score
    if not seen:
        return
    place = data.draw(st.integers(0, len(seen) - 1))
    worse = list(seen)
    for name in data.draw(st.lists(st.sampled_from([*BAD_OF, *BAD_WORDS]), min_size=1)):
        hour = worse[place]
        value = getattr(hour, name)
        most = getattr(hour, BAD_OF[name]) if name in BAD_OF else value + 5_000
        worse[place] = structs.replace(hour, **{name: data.draw(st.integers(value, most))})
    assert rate(worse, NOW, present).score <= before.score


@given(hours(), st.integers(0, LATENCY_CLASSES - 2), presents)
def test_slower_words_never_raise_it(seen: list[HealthHour], place: int, present: Present) -> None:
    slower = []
    for hour in seen:
        moved = list(hour.latencies)
        if moved:
            moved[place + 1] += moved[place]
            moved[place] = 0
        slower.append(structs.replace(hour, latencies=moved))
    assert rate(slower, NOW, present).score <= rate(seen, NOW, present).score


@given(hours(), presents)
def test_the_reasons_are_the_score(seen: list[HealthHour], present: Present) -> None:
    quality = rate(seen, NOW, present)
    assert quality.score == max(0, round(BEST - sum(reason.points for reason in quality.reasons)))
    assert [reason.points for reason in quality.reasons] == sorted(
        (reason.points for reason in quality.reasons), reverse=True
    )
    for reason in quality.reasons:
        assert 0 < reason.points <= BY_CODE[reason.code].points
        assert all(reason.said())
