"""Passages, as the gateway tells them in its own transaction: kept, and followed by the sessions of their vehicles.

The verb behind `contracts.facts.PassageHandler`. What is already locked are the rows of the car parks in the batch and
the promises of its vehicles; then come the car parks for billing, sessions by their ids, their charges: nobody waits in
a circle. A passage that comes late moves the same sessions, and opens no barrier.
"""

from collections.abc import Iterable, Sequence

from billing.bill_session import Till
from billing.exit_decision import ACTOR, CALL_STAFF
from billing.follow_passages import follow_passages
from billing.match_plates import match_plates
from billing.sql import passages as sql
from billing.sql import sessions
from billing.sql.passages import Asked
from billing.tariff_shelf import TariffShelf
from contracts.facts import PassageSeen
from contracts.lane_orders import tell_lane
from contracts.orders import GiveOrder, OrderKind
from kernel.db import Tx


async def take_passages(tx: Tx, give_order: GiveOrder, shelf: TariffShelf, passages: Sequence[PassageSeen]) -> None:
    """`passages` are those that were not known before."""
    car_parks = {seen.car_park for seen in passages}
    await sql.lock_car_parks(tx, car_parks)
    await sql.insert(tx, passages)
    asked = asked_of(passages)
    if asked:
        till = Till(give_order=give_order, shelf=shelf, policies=await sessions.policies(tx, car_parks))
        await match_plates(tx, till, await follow_passages(tx, till, asked))
    for seen in passages:
        if seen.direction == "exit" and seen.plate is None and seen.ticket is None and _has_camera(seen):
            await tell_lane(
                tx, give_order, seen, OrderKind.SHOW_TEXT, actor=ACTOR, reason="nobody_known", text=CALL_STAFF
            )


def asked_of(passages: Iterable[PassageSeen]) -> list[Asked]:
    """Their vehicles. Whoever has neither a plate nor a ticket is nobody's."""
    found: dict[tuple[str, str | None, str | None], Asked] = {}
    for seen in passages:
        if seen.plate is None and seen.ticket is None:
            continue
        one = Asked(seen.car_park, seen.plate, None if seen.plate is not None else seen.ticket, seen.at, seen.at)
        known = found.get(one.key, one)
        found[one.key] = Asked(*one.key, min(known.since, seen.at), max(known.until, seen.at))
    return list(found.values())


def _has_camera(seen: PassageSeen) -> bool:
    """Or the lane only counts: whoever passes there is never billed by his passages."""
    return seen.confidence is not None or seen.image is not None
