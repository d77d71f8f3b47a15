"""Facts become history: every one is kept once, and what was told before is only counted.

Of a space, what is newer than its state cannot have been told before, since the state is the newest of its history:
that goes in by COPY, which is most of it. Only the rest is compared with the key, row by row.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import TypeVar

from contracts.facts import CountSeen, Facts, PassageSeen, SpaceSeen, StatusSeen
from contracts.ids import CarParkId
from kernel.db import Row, Tx
from occupancy import sql
from occupancy.compare import Kept, SpaceOrder

Fact = TypeVar("Fact", SpaceSeen, CountSeen, PassageSeen, StatusSeen)


async def keep_history(tx: Tx, facts: Facts, orders: Mapping[int, SpaceOrder]) -> Kept:
    """Store `facts`; those whose key is known, from before or from this very batch, are duplicates.

    `orders` are the states of their spaces, under lock.
    """
    duplicates: Counter[CarParkId] = Counter()
    return Kept(
        await _keep_spaces(tx, facts.spaces, orders, duplicates),
        await _keep(tx, facts.counts, _count_key, sql.insert_counts, duplicates),
        await _keep(tx, facts.passages, _passage_key, sql.insert_passages, duplicates),
        await _keep(tx, facts.statuses, _status_key, sql.insert_online_events, duplicates),
        duplicates,
    )


async def _keep_spaces(
    tx: Tx, facts: Sequence[SpaceSeen], orders: Mapping[int, SpaceOrder], duplicates: Counter[CarParkId]
) -> list[SpaceSeen]:
    once: dict[tuple[int, SpaceOrder], SpaceSeen] = {}
    news: list[SpaceSeen] = []
    doubtful: list[SpaceSeen] = []
    for fact in facts:
        order = (fact.at, fact.epoch, fact.seq, fact.state)
        told = (fact.space, order)
        if told in once:
            duplicates[fact.car_park] += 1
            continue
        once[told] = fact
        known = orders.get(fact.space)
        (news if known is None or order > known else doubtful).append(fact)
    await sql.copy_space_events(tx, news)
    if not doubtful:
        return news
    refused = {id(fact) for fact in doubtful}
    refused -= {id(fact) for fact in await _keep(tx, doubtful, _space_key, sql.insert_space_events, duplicates)}
    return [fact for fact in once.values() if id(fact) not in refused]


async def _keep(
    tx: Tx,
    facts: Sequence[Fact],
    key: Callable[[Fact], Hashable],
    insert: Callable[[Tx, Sequence[Fact]], Awaitable[list[Row]]],
    duplicates: Counter[CarParkId],
) -> list[Fact]:
    """`key` names a fact as the primary key of its table does, in the order in which `insert` returns its columns."""
    if not facts:
        return []
    first: dict[Hashable, Fact] = {}
    for fact in facts:
        named = key(fact)
        if named in first:
            duplicates[fact.car_park] += 1
        else:
            first[named] = fact
    stored = await insert(tx, list(first.values()))
    if len(stored) == len(first):
        return list(first.values())
    new = {tuple(row) for row in stored}
    for known, fact in first.items():
        if known not in new:
            duplicates[fact.car_park] += 1
    return [fact for known, fact in first.items() if known in new]


def _space_key(fact: SpaceSeen) -> Hashable:
    return (fact.at, fact.space, fact.epoch, fact.seq, fact.state)


def _count_key(fact: CountSeen) -> Hashable:
    return (fact.car_park, fact.zone, fact.at, fact.epoch, fact.seq, fact.occupied, fact.capacity)


def _passage_key(fact: PassageSeen) -> Hashable:
    return (fact.car_park, fact.id)


def _status_key(fact: StatusSeen) -> Hashable:
    return (fact.car_park, fact.at, fact.online)
