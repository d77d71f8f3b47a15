"""The same uplink is one uplink, however often it comes: by two gateways of the network, by a repeated delivery of the
network server or of the broker.

Copies may tell different times, and the time is part of what a fact is. So the time that was told first is remembered
with the last uplinks of each device, and a copy takes it over: history then knows it again. A heartbeat says nothing
that history could know, so the books learn from here whether it was the first.

A counter that was there before is no copy where the network server names each telling: once it told another uplink it
drops late copies by itself (unless it was set not to look at counters), so what it then tells under a new name is a
device that counts from the beginning again.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from contracts.ids import CarParkId
from gateway import sql
from gateway.heard import Heard
from gateway.settle_counters import settle_counters
from gateway.taken import Taken
from kernel.db import Tx

COPIES_WITHIN: Final = timedelta(hours=1)
"""A device that counts from 0 again without a new session may send the same bytes with the same counter: not within
this time of the first, while copies come within seconds and confirmed frames are repeated for minutes."""

Key = tuple[str, str, int, bytes]


class Beat(Struct, frozen=True):
    """A message that was a heartbeat and nothing else; `first` unless it is a copy."""

    car_park: CarParkId
    first: bool


class _Claim(Struct):
    """One uplink of this batch and the places of its copies, the first of them first."""

    heard: Heard
    places: list[int]


async def settle_uplinks(tx: Tx, messages: Sequence[Taken]) -> tuple[Sequence[Taken], list[Beat]]:
    """The `messages` with every copy of an uplink at the time of its first, and their heartbeats."""
    claims = _claims(messages)
    if not claims:
        return messages, []
    settled = list(messages)
    copies: set[int] = set()
    for part in _rounds(claims):
        claimed = await sql.claim_uplinks(
            tx, [(claim.heard, len(claim.places)) for claim in part], copies_within=COPIES_WITHIN
        )
        for claim in part:
            first_at, hearings = claimed[claim.heard.fact.device, claim.heard.slot]
            copies.update(claim.places if hearings > len(claim.places) else claim.places[1:])
            for place in claim.places:
                settled[place] = _at(settled[place], first_at)
    messages = await settle_counters(tx, settled, copies)
    beats = [
        Beat(taken.said.heard.fact.car_park, place not in copies)
        for place, taken in enumerate(messages)
        if taken.said.heard is not None and taken.said.beats
    ]
    return messages, beats


def _claims(messages: Sequence[Taken]) -> list[_Claim]:
    """The uplinks of a batch in order of arrival, copies under their first."""
    claims: list[_Claim] = []
    newest: dict[Key, _Claim] = {}
    furthest: dict[tuple[str, str], Heard] = {}
    for place, taken in enumerate(messages):
        heard = taken.said.heard
        if heard is None:
            continue
        known = newest.get(heard.key)
        line = (heard.fact.device, heard.session)
        ahead = furthest.get(line)
        if known is not None and _is_copy(heard, known.heard, ahead):
            known.places.append(place)
            continue
        newest[heard.key] = _Claim(heard, [place])
        claims.append(newest[heard.key])
        if ahead is None or heard.told_at >= ahead.told_at:
            furthest[line] = heard
    return claims


def _is_copy(heard: Heard, known: Heard, ahead: Heard | None) -> bool:
    """Whether `heard` is `known` again; `ahead` is the newest uplink of its session in this batch."""
    if abs(heard.told_at - known.told_at) > COPIES_WITHIN:
        return False
    if not heard.delivery or heard.delivery == known.delivery or ahead is None:
        return True
    return not (ahead.counter != heard.counter and known.told_at <= ahead.told_at <= heard.told_at)


def _rounds(claims: Sequence[_Claim]) -> list[list[_Claim]]:
    """In each at most one of a device and slot, which one statement can write once; sorted, so that nobody waits in
    a circle. A named one comes after all of its device before it: the statement looks at what they wrote."""
    rounds: list[list[_Claim]] = []
    used: dict[tuple[str, int], int] = {}
    reached: dict[str, int] = {}
    for claim in claims:
        device = claim.heard.fact.device
        where = (device, claim.heard.slot)
        number = used.get(where, 0)
        if claim.heard.delivery:
            number = max(number, reached.get(device, 0))
        used[where] = number + 1
        reached[device] = max(reached.get(device, 0), number + 1)
        while number >= len(rounds):
            rounds.append([])
        rounds[number].append(claim)
    return [sorted(part, key=lambda claim: (claim.heard.fact.device, claim.heard.slot)) for part in rounds]


def _at(taken: Taken, first_at: datetime) -> Taken:
    """The same message as if it had told `first_at`."""
    said = taken.said
    heard = said.heard
    if heard is None or heard.told_at == first_at:
        return taken
    at = min(first_at, taken.message.received_at)
    told_at = None if at == first_at else first_at
    spaces = tuple(replace(fact, at=at, told_at=told_at) if fact.epoch == heard.epoch else fact for fact in said.spaces)
    moved = replace(heard, told_at=first_at, fact=replace(heard.fact, at=at))
    return replace(taken, said=replace(said, spaces=spaces, heard=moved))
