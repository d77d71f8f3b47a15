"""Whatever becomes of passages on their way, nobody is billed for a time that no two of them cover."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from billing.pairing import Outcome, Passage, Rules, Visit, Window, pair
from billing.session_changes import Kept, changes
from billing.session_lifecycle import State

RULES = Rules(same_reading=timedelta(seconds=10), same_exit=timedelta(seconds=60), stay_max=timedelta(days=30))
BEGINS = datetime(2026, 11, 23, tzinfo=UTC)


def passage(number: int, direction: str, minute: float, *, color: str | None = "blue", zone: str = "") -> Passage:
    return Passage(
        id=f"p{number}",
        zone=zone,
        lane=f"{zone}{direction}",
        direction=direction,
        at=BEGINS + timedelta(minutes=minute),
        plate="辽A12345",
        color=color,
    )


@st.composite
def visits(draw: st.DrawFn) -> list[tuple[Passage, Passage]]:
    """What really happened: stays one after the other, some minutes apart, some with a while in a nested zone."""
    minute, real = 0.0, []
    for number in range(draw(st.integers(1, 8))):
        minute += draw(st.integers(2, 300))
        length = draw(st.integers(2, 3000))
        real.append((passage(4 * number, "entry", minute), passage(4 * number + 1, "exit", minute + length)))
        if length > 10 and draw(st.booleans()):
            inside = draw(st.integers(1, length - 5))
            came = passage(4 * number + 2, "entry", minute + 1, zone="B1")
            real.append((came, passage(4 * number + 3, "exit", minute + 1 + inside, zone="B1")))
        minute += length
    return real


@st.composite
def told(draw: st.DrawFn) -> tuple[list[tuple[Passage, Passage]], list[Passage]]:
    """And what was told of it: some lost, some read twice, in any order."""
    real = draw(visits())
    heard: list[Passage] = []
    for number, one in enumerate(passage for stay in real for passage in stay):
        fate = draw(st.sampled_from(["told", "told", "told", "lost", "doubled", "colorless"]))
        if fate == "lost":
            continue
        heard.append(one if fate != "colorless" else replace(one, color=None))
        if fate == "doubled":
            heard.append(replace(one, id=f"again{number}", at=one.at + timedelta(seconds=draw(st.integers(0, 9)))))
    return real, draw(st.permutations(heard))


def _pairs(found: Sequence[Visit], zone: str) -> list[tuple[datetime, datetime]]:
    spans = [
        (visit.entry.at, visit.exit.at)
        for visit in found
        if visit.outcome is Outcome.PAIRED and visit.entry is not None and visit.exit is not None and visit.zone == zone
    ]
    return sorted(spans)


@given(told())
def test_no_time_is_billed_that_no_entry_and_the_next_exit_cover(
    said: tuple[list[tuple[Passage, Passage]], list[Passage]],
) -> None:
    real, heard = said
    visits = pair(Window(passages=heard), RULES)
    for zone in ("", "B1"):
        pairs = _pairs(visits, zone)
        for came, left in pairs:
            between = [one for one in heard if came < one.at < left and one.zone == zone]
            assert all(one.direction == "entry" and one.at - came <= RULES.same_reading for one in between)
        assert all(earlier[1] <= later[0] for earlier, later in pairwise(pairs)), "two became one"
        if {one.id for stay in real for one in stay} <= {one.id for one in heard if one.color}:
            assert pairs == sorted((came.at, left.at) for came, left in real if came.zone == zone)


@given(told(), st.randoms(use_true_random=False))
def test_the_order_in_which_they_came_changes_nothing(
    said: tuple[list[tuple[Passage, Passage]], list[Passage]], random: object
) -> None:
    _, heard = said
    shuffled = list(heard)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis hands out a random.Random
    assert pair(Window(passages=heard), RULES) == pair(Window(passages=shuffled), RULES)


@given(told())
def test_sessions_that_follow_passage_by_passage_end_as_those_that_hear_all_at_once(
    said: tuple[list[tuple[Passage, Passage]], list[Passage]],
) -> None:
    _, heard = said
    kept: list[Kept] = []
    for number in range(1, len(heard) + 1):
        kept = follow(kept, pair(Window(passages=heard[:number]), RULES))
    visits = pair(Window(passages=heard), RULES)
    assert live(kept, visits) == live(follow([], visits), visits)
    again = changes(kept, pair(Window(passages=heard), RULES))
    assert not (again.ended or again.doubted or again.trusted or again.left or again.begun), "told again, it moves"


@given(told(), st.integers(0, 15))
def test_a_window_says_the_same_as_all_of_it(
    said: tuple[list[tuple[Passage, Passage]], list[Passage]], first: int
) -> None:
    _, heard = said
    ordered = sorted((one for one in heard if one.color), key=lambda one: (one.at, one.direction == "entry", one.id))
    whole = {_ends(visit): visit.outcome for visit in pair(Window(passages=ordered), RULES)}
    part = pair(Window(passages=ordered[first : first + 8], cut_before=True, cut_after=True), RULES)
    for visit in part:
        if visit.entry is not None and len(visit.entries) == 1 and len(visit.exits) <= 1:
            assert whole.get(_ends(visit)) in (visit.outcome, None)


def _ends(visit: Visit) -> tuple[str | None, str | None]:
    came, left = visit.entry, visit.exit
    return (None if came is None else came.id), (None if left is None else left.id)


def live(sessions: Sequence[Kept], visits: Sequence[Visit]) -> list[tuple[str, str, str]]:
    """What bills, what is open and what waits for somebody, and by which passages: any reading of one is that one."""
    first = {reading: visit.entry for visit in visits for reading in visit.entries}
    first |= {reading: visit.exit for visit in visits for reading in visit.exits}

    def read(one: str | None) -> str:
        passage = None if one is None else first[one]
        return "" if passage is None else passage.id

    return sorted(
        (kept.state, read(kept.entry), read(kept.exit))
        for kept in sessions
        if kept.state not in (State.CORRECTED, State.MATCHED)
    )


def follow(sessions: Sequence[Kept], found: Sequence[Visit]) -> list[Kept]:
    """As the verbs write it."""
    changed = changes(sessions, found)
    after = {kept.id: kept for kept in sessions}
    for kept, state, why in changed.ended:
        after[kept.id] = _moved(kept, state, why)
    for kept, visit in changed.doubted:
        after[kept.id] = _moved(kept, State.SUSPECT, visit.outcome, visit)
    for kept in changed.trusted:
        after[kept.id] = _moved(kept, State.OPEN, None)
    for kept, visit in changed.left:
        after[kept.id] = _moved(kept, State.EXITED, None, visit)
    states = {Outcome.OPEN: State.OPEN, Outcome.PAIRED: State.EXITED, Outcome.ORPHAN: State.ORPHAN_EXIT}
    for visit in changed.begun:
        state = states.get(visit.outcome, State.SUSPECT)
        new = Kept(id=f"s{len(after):04}", state=state)
        after[new.id] = _moved(new, state, visit.outcome if state is State.SUSPECT else None, visit)
    used = [kept.exit for kept in after.values() if kept.exit and kept.state in (State.EXITED, State.ORPHAN_EXIT)]
    assert len(set(used)) == len(used), "one exit ended two stays"
    entries = [
        kept.entry for kept in after.values() if kept.entry and kept.state in (State.OPEN, State.EXITED, State.SUSPECT)
    ]
    assert len(set(entries)) == len(entries), "one entry began two stays"
    return list(after.values())


def _moved(kept: Kept, state: State, reason: str | None, visit: Visit | None = None) -> Kept:
    if visit is None:
        return Kept(
            id=kept.id, state=state, reason=reason,
            entry=kept.entry, entry_at=kept.entry_at, exit=kept.exit, exit_at=kept.exit_at,
        )  # fmt: skip
    came, left = visit.entry, visit.exit
    return Kept(
        id=kept.id,
        state=state,
        reason=reason,
        entry=None if came is None else came.id,
        entry_at=None if came is None else came.at,
        exit=None if left is None else left.id,
        exit_at=None if left is None else left.at,
    )
