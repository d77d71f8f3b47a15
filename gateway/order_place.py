"""Which place each kind of order is for: a barrier at a lane, a lock at a space, a text at a lane or a sign. Pure."""

from typing import NamedTuple

from contracts.orders import OrderKind
from gateway.order_lifecycle import AT_A_LANE, AT_A_LOCK


class Fault(NamedTuple):
    """What is wrong with a wanted order: the field, and what to do about it."""

    field: str
    advice: str


def fault_of(
    kind: OrderKind, *, lane: str | None, space: str | None, sign: str | None, text: str | None
) -> Fault | None:
    """The first thing that nobody could obey, or that would be ignored; None for an order that is complete."""
    given = {"lane": lane, "space": space, "sign": sign, "text": text}
    wanted = _wanted(kind)
    for field, value in given.items():
        if value is not None and field not in wanted:
            return Fault(field, f"{kind} takes no {field}: leave it out")
    if kind in AT_A_LANE and lane is None:
        return Fault("lane", f"{kind} needs the lane that it is for")
    if kind in AT_A_LOCK and space is None:
        return Fault("space", f"{kind} needs the numbered space whose lock it is for")
    if kind is OrderKind.SHOW_TEXT:
        if text is None:
            return Fault("text", f"{kind} needs the text")
        if (lane is None) == (sign is None):
            return Fault("lane", f"{kind} needs the lane or the sign that shows it, one of the two")
    return None


def _wanted(kind: OrderKind) -> tuple[str, ...]:
    if kind in AT_A_LANE:
        return ("lane",)
    if kind in AT_A_LOCK:
        return ("space",)
    return ("lane", "sign", "text") if kind is OrderKind.SHOW_TEXT else ()
