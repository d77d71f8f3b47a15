"""What must become of the sessions of a vehicle, so that they say what its passages say. Pure.

Told again, it changes nothing; told in another order, it ends the same.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from msgspec import Struct, field

from billing.pairing import Outcome, Visit
from billing.session_lifecycle import BILLED, BY_HAND, LIVE, State

_DOUBTS = frozenset({Outcome.SECOND_ENTRY, Outcome.LEFT_UNSEEN, Outcome.TOO_LONG})


class Kept(Struct, frozen=True, kw_only=True):
    """Of a session, what decides."""

    id: str
    state: State
    reason: str | None = None
    entry: str | None = None
    entry_at: datetime | None = None
    exit: str | None = None
    exit_at: datetime | None = None


class Changes(Struct, kw_only=True):
    """In the order in which they are written: what ends makes room for what begins."""

    ended: list[tuple[Kept, State, str]] = field(default_factory=list)
    """Corrected, voided or matched, and why."""
    doubted: list[tuple[Kept, Visit]] = field(default_factory=list)
    trusted: list[Kept] = field(default_factory=list)
    """They were suspect, and are open after all."""
    left: list[tuple[Kept, Visit]] = field(default_factory=list)
    same: list[tuple[Kept, Visit]] = field(default_factory=list)
    """They have left, by the same passages as they stand in their rows."""
    begun: list[Visit] = field(default_factory=list)


def changes(sessions: Sequence[Kept], visits: Iterable[Visit], unsure: Collection[str] = ()) -> Changes:
    """`sessions` and `visits` of one plate, or ticket, at one car park. `unsure`: passages of which too little is known
    to say anything; what stands of them stays.
    """
    found = Changes()
    visits = list(visits)
    by_entry = {passage: visit for visit in visits for passage in visit.entries}
    by_exit = {passage: visit for visit in visits for passage in visit.exits}
    settled = _settled(sessions, by_entry, by_exit)
    taken: set[int] = set(settled)
    for kept in sorted(sessions, key=lambda one: (one.state not in BILLED, one.id)):
        if kept.state not in LIVE or (kept.entry or kept.exit) in unsure:
            continue
        visit = by_entry.get(kept.entry) if kept.entry is not None else by_exit.get(kept.exit or "")
        if visit is None:
            found.ended.append((kept, State.CORRECTED, "passage_put_right"))
        elif id(visit) in settled:
            found.ended.append((kept, *_by_hand(kept, settled[id(visit)])))
        elif kept.entry is None:
            _orphan(found, kept, visit, taken)
        elif id(visit) in taken or not _follow(found, kept, visit):
            found.ended.append((kept, State.CORRECTED, "other_passages_came"))
        else:
            taken.add(id(visit))
    found.begun = [visit for visit in visits if id(visit) not in taken]
    return found


def successors(changed: Sequence[Changes]) -> dict[int, Kept]:
    """Which of the corrected sessions each visit that begins supersedes, by the visit's identity: one each, so that
    nothing that was paid counts twice; rather a visit that is billed than one that is not.
    """
    ended = [kept for one in changed for kept, state, _ in one.ended if state is State.CORRECTED]
    begun = [visit for one in changed for visit in one.begun]
    found: dict[int, Kept] = {}
    for is_paired in (True, False):
        for ends_of in (_entries, _all_ends, _before):
            for visit in begun:
                if id(visit) in found or (visit.outcome is Outcome.PAIRED) is not is_paired:
                    continue
                ends = ends_of(visit) - {None}
                before = next((kept for kept in ended if ends & {kept.entry, kept.exit}), None)
                if before is not None:
                    found[id(visit)] = before
                    ended.remove(before)
    return found


def _entries(visit: Visit) -> set[str | None]:
    return {*visit.entries}


def _all_ends(visit: Visit) -> set[str | None]:
    return {*visit.entries, *visit.exits}


def _before(visit: Visit) -> set[str | None]:
    """The passages that those of the visit put right."""
    return {one.supersedes for one in (visit.entry, visit.exit) if one is not None}


def _settled(sessions: Iterable[Kept], by_entry: dict[str, Visit], by_exit: dict[str, Visit]) -> dict[int, Kept]:
    """Visits of which a person decided something, by their identity."""
    settled: dict[int, Kept] = {}
    for kept in sessions:
        if kept.state in BY_HAND:
            for visit in (by_entry.get(kept.entry or ""), by_exit.get(kept.exit or "")):
                if visit is not None:
                    settled[id(visit)] = kept
    return settled


def _by_hand(kept: Kept, decided: Kept) -> tuple[State, str]:
    """What was billed before a person decided otherwise is corrected, the rest is void as well."""
    return (State.CORRECTED if kept.state is State.CLOSED else State.VOIDED), f"as_{decided.id}"


def _orphan(found: Changes, kept: Kept, visit: Visit, taken: set[int]) -> None:
    if visit.outcome is Outcome.ORPHAN and id(visit) not in taken:
        taken.add(id(visit))
    else:
        found.ended.append((kept, State.MATCHED, "entry_came"))


def _follow(found: Changes, kept: Kept, visit: Visit) -> bool:
    """Whether the session goes on as what the visit is."""
    if kept.state in BILLED:
        if kept.exit in visit.exits:
            found.same.append((kept, visit))
        return kept.exit in visit.exits
    if visit.outcome is Outcome.PAIRED:
        found.left.append((kept, visit))
    elif visit.outcome in _DOUBTS:
        told = kept.exit if visit.exit is None else visit.exit.id
        if kept.state is State.OPEN or kept.reason != visit.outcome or kept.exit != told:
            found.doubted.append((kept, visit))
    elif kept.state is State.SUSPECT and kept.reason in _DOUBTS:
        if kept.exit is not None:
            return False
        found.trusted.append(kept)
    return True
