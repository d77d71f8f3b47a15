"""The same uplink is one uplink, however often it comes: by two gateways of the network, by a repeated delivery of the
network server or of the broker.

Copies may tell different times, and the time is part of what a fact is. So the time that was told first is remembered
with the last uplinks of each device, and a copy takes it over: history then knows it again. A heartbeat says nothing
that history could know, so the books learn from here whether it was the first.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec
from msgspec import Struct

from contracts.ids import CarParkId
from gateway import sql
from gateway.events import Decoded
from gateway.heard import Heard
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
    beats = [
        Beat(taken.said.heard.fact.car_park, place not in copies)
        for place, taken in enumerate(settled)
        if taken.said.heard is not None and taken.said.beats
    ]
    return settled, beats


def _claims(messages: Sequence[Taken]) -> list[_Claim]:
    """The uplinks of a batch in order of arrival, copies under their first."""
    claims: list[_Claim] = []
    newest: dict[Key, _Claim] = {}
    for place, taken in enumerate(messages):
        heard = taken.said.heard
        if heard is None:
            continue
        known = newest.get(heard.key)
        if known is not None and abs(heard.told_at - known.heard.told_at) <= COPIES_WITHIN:
            known.places.append(place)
        else:
            newest[heard.key] = _Claim(heard, [place])
            claims.append(newest[heard.key])
    return claims


def _rounds(claims: Sequence[_Claim]) -> list[list[_Claim]]:
    """In each at most one of a device and slot, which one statement can write once; sorted, so that nobody waits in
    a circle."""
    rounds: list[list[_Claim]] = []
    used: dict[tuple[str, int], int] = {}
    for claim in claims:
        where = (claim.heard.fact.device, claim.heard.slot)
        number = used.get(where, 0)
        used[where] = number + 1
        if number == len(rounds):
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
    moved = Decoded(
        said.car_park,
        tuple(
            msgspec.structs.replace(fact, at=at, told_at=told_at) if fact.epoch == heard.epoch else fact
            for fact in said.spaces
        ),
        passages=tuple(msgspec.structs.replace(fact, at=at) for fact in said.passages),
        heard=msgspec.structs.replace(heard, told_at=first_at, fact=msgspec.structs.replace(heard.fact, at=at)),
        codec=said.codec,
        read_with=said.read_with,
    )
    return Taken(taken.message, moved, taken.events, taken.weight_bytes)
