"""Holds the database against the ledger: nothing lost, nothing doubled, nothing wrong, every refusal explained.

Reads the tables by SQL of its own, not through the product, which might be wrong in the same way twice.
"""

from collections import Counter
from dataclasses import dataclass

import asyncpg

from tests.faults.ledger import Ledger, Said

_HISTORY = """
SELECT space.car_park, space.label, event.at, event.epoch, event.seq, event.state
FROM occupancy.space_event AS event JOIN registry.space ON space.number = event.space"""
_STATE = """
SELECT space.car_park, space.label, state.at, state.epoch, state.seq, state.state
FROM occupancy.space_state AS state JOIN registry.space ON space.number = state.space"""
_CAR_PARKS = """
SELECT car_park, spaces_occupied, spaces_free, spaces_out FROM occupancy.car_park_state"""
_BOOKS = """
SELECT COALESCE(sum(received), 0)::bigint AS received, COALESCE(sum(stored), 0)::bigint AS stored,
       COALESCE(sum(duplicate), 0)::bigint AS duplicate, COALESCE(sum(late), 0)::bigint AS late,
       COALESCE(sum(dead), 0)::bigint AS dead
FROM gateway.tally"""
_DEAD = """
SELECT topic, reason, sha256, CASE WHEN booked THEN events * count ELSE 0 END AS booked
FROM gateway.dead_letter"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How the database differs from the ledger; every list is empty when it does not.

    `lost`: said and acknowledged, not in history. `invented`: in history, never said. `doubled`: in history twice.
    `wrong`: spaces whose state is not their newest event, car parks whose numbers are not the sum of their spaces.
    `unexplained`: refused messages missing from the dead letters, or refusals nobody expected. `unbalanced`: books
    that do not add up.
    """

    events: int
    history: int
    lost: list[Said] | list[str]
    invented: list[Said] | list[str]
    doubled: list[Said] | list[str]
    wrong: list[str]
    unexplained: list[str]
    unbalanced: list[str]

    @property
    def clean(self) -> bool:
        return not (self.lost or self.invented or self.doubled or self.wrong or self.unexplained or self.unbalanced)

    def __str__(self) -> str:
        faults = {
            name: getattr(self, name)
            for name in ("lost", "invented", "doubled", "wrong", "unexplained", "unbalanced")
            if getattr(self, name)
        }
        told = "; ".join(f"{len(found)} {name}, first {found[:3]}" for name, found in faults.items())
        return f"{self.events} events said, {self.history} in history: {told or 'nothing lost, doubled or wrong'}"


async def judge(database_url: str, ledger: Ledger) -> Verdict:
    """Compare. The gateway should have come to rest: what is still under way counts as lost."""
    connection = await asyncpg.connect(database_url)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            history = Counter(Said(*row) for row in await connection.fetch(_HISTORY))
            state = {(row[0], row[1]): Said(*row) for row in await connection.fetch(_STATE)}
            car_parks = {row[0]: tuple(row)[1:] for row in await connection.fetch(_CAR_PARKS)}
            books = await connection.fetchrow(_BOOKS)
            dead = await connection.fetch(_DEAD)
    finally:
        await connection.close()
    assert books is not None
    return Verdict(
        events=ledger.events,
        history=history.total(),
        lost=sorted(ledger.distinct - history.keys()),
        invented=sorted(history.keys() - ledger.distinct),
        doubled=sorted(said for said, count in history.items() if count > 1),
        wrong=[*_wrong_spaces(ledger, state), *_wrong_car_parks(ledger, car_parks)],
        unexplained=_unexplained(ledger, dead),
        unbalanced=_unbalanced(ledger, books, history.total(), dead),
    )


def _wrong_spaces(ledger: Ledger, state: dict[tuple[str, str], Said]) -> list[str]:
    newest = ledger.newest()
    return [
        f"{place} is {state.get(place)}, should be {newest.get(place)}"
        for place in sorted(newest.keys() | state.keys())
        if state.get(place) != newest.get(place)
    ]


def _wrong_car_parks(ledger: Ledger, shown: dict[str, tuple[int, ...]]) -> list[str]:
    counted: dict[str, Counter[str]] = {}
    for said in ledger.newest().values():
        counted.setdefault(said.car_park, Counter())[said.state] += 1
    wrong = []
    for car_park, states in sorted(counted.items()):
        wanted = (states["occupied"], states["free"], states["out_of_service"])
        if shown.get(car_park) != wanted:
            wrong.append(f"{car_park} shows (occupied, free, out) {shown.get(car_park)}, its spaces say {wanted}")
    return wrong


def _unexplained(ledger: Ledger, dead: list[asyncpg.Record]) -> list[str]:
    found: dict[tuple[str, str], set[str]] = {}
    for row in dead:
        found.setdefault((row["topic"], row["sha256"]), set()).add(row["reason"])
    missing = [
        f"refused without a word: {refusable}"
        for refusable in ledger.refusable
        if not found.get((refusable.topic, refusable.sha256), set()) & refusable.reasons
    ]
    expected = {(refusable.topic, refusable.sha256) for refusable in ledger.refusable}
    surprising = [f"refused though good: {key} for {reasons}" for key, reasons in found.items() if key not in expected]
    return missing + surprising


def _unbalanced(ledger: Ledger, books: asyncpg.Record, history: int, dead: list[asyncpg.Record]) -> list[str]:
    found = []
    if books["received"] != books["stored"] + books["duplicate"] + books["late"] + books["dead"]:
        found.append(f"received is not stored + duplicate + late + dead: {dict(books)}")
    if books["stored"] + books["late"] != history:
        found.append(f"stored + late is not the history's {history} rows: {dict(books)}")
    if books["received"] - books["dead"] < ledger.events:
        found.append(f"{ledger.events} events were said, the books know fewer: {dict(books)}")
    if books["dead"] != (told := sum(row["booked"] for row in dead)):
        found.append(f"the dead letters hold {told} refused events, the books another number: {dict(books)}")
    return found
