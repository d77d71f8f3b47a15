"""What a vehicle counter grew by became passages: only the database knows what it said before.

So a word that says the same again (a keep-alive) is no passage, a frame that was lost is made up for by the next one,
and the first word of a counter is where we begin. What comes later than a newer word was counted with that one.
"""

from collections.abc import Collection, Sequence

import msgspec

from contracts.facts import PassageSeen
from gateway.heard import Counting, Heard
from gateway.sql import counters as sql
from gateway.taken import Taken
from kernel.db import Tx


async def settle_counters(tx: Tx, messages: Sequence[Taken], copies: Collection[int]) -> Sequence[Taken]:
    """The `messages` with their counters' passages; `copies` are the places of those that were told before."""
    counting = [
        (taken.said.heard, taken.said.heard.counting, place)
        for place, taken in enumerate(messages)
        if taken.said.heard is not None and taken.said.heard.counting is not None and place not in copies
    ]
    if not counting:
        return messages
    counting.sort(key=lambda one: (one[0].told_at, one[0].counter))
    last = await sql.lock_counters(tx, {heard.fact.device for heard, _, _ in counting})
    settled = list(messages)
    for heard, counts, place in counting:
        device = heard.fact.device
        value, at = last.get(device, (None, heard.told_at))
        if heard.told_at < at:
            continue
        passed = 0
        for count in counts.counts:
            passed += count.passed_since(value)
            value = count.value
        if value is not None:
            last[device] = value, heard.told_at
        settled[place] = _with(settled[place], _passages(heard, counts, passed))
    await sql.keep_counters(tx, last)
    return settled


def _passages(heard: Heard, counting: Counting, passed: int) -> tuple[PassageSeen, ...]:
    at = heard.fact.at
    return tuple(msgspec.structs.replace(counting.passage, id=heard.id_of(index), at=at) for index in range(passed))


def _with(taken: Taken, passages: tuple[PassageSeen, ...]) -> Taken:
    if not passages:
        return taken
    said = msgspec.structs.replace(taken.said, passages=passages)
    return Taken(taken.message, said, said.received, taken.weight_bytes)
