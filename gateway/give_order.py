"""An order becomes a row in the transaction of its cause. It goes out after the commit, or not at all.

The verb behind `contracts.orders.GiveOrder`: billing, reservation and occupancy call it in the gateway's transactions
or in their own, operators through REST.
"""

from datetime import datetime, timedelta

from contracts.ids import OrderId
from contracts.orders import (
    CAUSE_CHARACTERS_MAX,
    REASON_CHARACTERS_MAX,
    TEXT_CHARACTERS_MAX,
    TTL,
    OrderKind,
    WantedOrder,
)
from gateway.errors import UnknownCarPark, UnknownLane, UnknownSign, UnknownSpace
from gateway.order_place import fault_of
from gateway.sql import orders as sql
from kernel.db import Row, Tx
from kernel.edge_problems import MalformedBody
from kernel.ids import new_id

TTL_MAX = timedelta(minutes=10)
"""Nothing that a device does by order is still wanted after this."""


async def give_order(tx: Tx, wanted: WantedOrder) -> OrderId:
    """Store `wanted`; the id of the order, which is an earlier one where the same cause gave it before.

    Raises UnknownCarPark, UnknownLane, UnknownSpace, UnknownSign, MalformedBody for what nobody could obey.
    """
    order_id = OrderId(new_id("ord", tx.now))
    malformed = _malformed(wanted)
    deadline = _whole_ms(tx, wanted.ttl or TTL[wanted.kind])
    place = await sql.give(tx, order_id, wanted, deadline, can_be_obeyed=malformed is None)
    if place is None:
        raise UnknownCarPark(car_park=wanted.car_park)
    if malformed is not None:
        raise malformed
    _check(wanted, place)
    if not place["is_new"]:
        return await sql.order_of_cause(tx, wanted.car_park, wanted.cause)
    if wanted.kind is OrderKind.SHOW_TEXT:
        await sql.supersede_texts(tx, order_id, wanted)
    return order_id


def _malformed(wanted: WantedOrder) -> MalformedBody | None:
    """What is wrong with it wherever it goes."""
    fault = fault_of(wanted.kind, lane=wanted.lane, space=wanted.space, sign=wanted.sign, text=wanted.text)
    if fault is not None:
        return MalformedBody.of(fault.field, fault.advice)
    if wanted.ttl is not None and not timedelta(seconds=1) <= wanted.ttl <= TTL_MAX:
        return MalformedBody.of("ttl_s", f"must be from 1 s to {TTL_MAX.total_seconds():.0f} s")
    limits = {"text": TEXT_CHARACTERS_MAX, "reason": REASON_CHARACTERS_MAX, "cause": CAUSE_CHARACTERS_MAX}
    for field, most in limits.items():
        words = getattr(wanted, field)
        if words is not None and not 0 < len(words) <= most:
            return MalformedBody.of(field, f"must have 1 to {most} characters")
    return None


def _check(wanted: WantedOrder, place: Row) -> None:
    """As with passages, a car park that registered no lanes may name them as it likes."""
    if wanted.lane is not None and place["has_lanes"] and not place["lane"]:
        raise UnknownLane(f"{wanted.car_park} has no lane {wanted.lane}", car_park=wanted.car_park, lane=wanted.lane)
    if wanted.space is not None and not place["space"]:
        raise UnknownSpace(
            f"{wanted.car_park} has no numbered space {wanted.space}", car_park=wanted.car_park, space=wanted.space
        )
    if wanted.sign is not None and not place["sign"]:
        raise UnknownSign(f"{place['operator']} has no sign {wanted.sign}", sign=wanted.sign)


def _whole_ms(tx: Tx, ttl: timedelta) -> datetime:
    """The deadline, as exact as it is told: never later on the wire than in the row."""
    deadline = tx.now + ttl
    return deadline.replace(microsecond=deadline.microsecond // 1000 * 1000)
