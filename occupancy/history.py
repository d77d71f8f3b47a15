"""Facts become history: every one is kept once, and what was told before is only counted.

Of a space, what is newer than its state was hardly told before, since the state is the newest of its history: that
goes in at once, which is most of it, and moves the state in the same statement. Only the rest is compared with the
key, row by row; and everything is, when the key refuses because a clock that ran ahead said the same before its time
came.
"""

from collections import Counter, deque
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
    spaces, states = await _keep_spaces(tx, facts.spaces, orders, duplicates)
    return Kept(
        spaces,
        await _keep(tx, facts.counts, _count_key, sql.insert_counts, duplicates),
        await _keep(tx, facts.passages, _passage_key, sql.insert_passages, duplicates),
        await _keep(tx, facts.statuses, _status_key, sql.insert_online_events, duplicates),
        duplicates,
        states,
    )


async def _keep_spaces(
    tx: Tx, facts: Sequence[SpaceSeen], orders: Mapping[int, SpaceOrder], duplicates: Counter[CarParkId]
) -> tuple[Sequence[SpaceSeen], dict[int, SpaceSeen]]:
    """What was not known before, and what of it already is the state of its space."""
    so_far = dict(orders)
    newest: dict[int, SpaceSeen] = {}
    news: list[SpaceSeen] = []
    doubtful: list[SpaceSeen] = []
    for fact in facts:
        order = (fact.at, fact.epoch, fact.seq, fact.state)
        known = so_far.get(fact.space)
        if fact.told_at is None and (known is None or order > known):
            so_far[fact.space] = order
            newest[fact.space] = fact
            news.append(fact)
        else:
            doubtful.append(fact)
    if news and not await sql.keep_news(tx, news, newest, orders):
        news, newest, doubtful = [], {}, list(facts)
    if not doubtful:
        return news, newest
    kept = await _keep(tx, doubtful, _space_key, sql.insert_space_events, duplicates)
    return _in_order(facts, news, kept), newest


def _in_order(facts: Sequence[SpaceSeen], *parts: Sequence[SpaceSeen]) -> list[SpaceSeen]:
    """`parts`, each of them some of `facts` in their order, as one."""
    coming = [deque(part) for part in parts]
    merged = []
    for fact in facts:
        for part in coming:
            if part and part[0] is fact:
                merged.append(part.popleft())
                break
    return merged


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
    return (fact.told_at or fact.at, fact.space, fact.epoch, fact.seq, fact.state)


def _count_key(fact: CountSeen) -> Hashable:
    told = (fact.occupied, fact.capacity, fact.out_of_service)
    return (fact.car_park, fact.zone, fact.told_at or fact.at, fact.epoch, fact.seq, *told)


def _passage_key(fact: PassageSeen) -> Hashable:
    return (fact.car_park, fact.id)


def _status_key(fact: StatusSeen) -> Hashable:
    return (fact.car_park, fact.told_at or fact.at, fact.online)
