"""A session whose exit is known is rated and decided on: closed, owed, or an exception that waits for a person.

Passages that come later never make a stay dearer by themselves once it was asked for: that is left to an operator, who
says so. Of a vehicle that stands at the exit it is not later.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from msgspec import Struct

from billing.charge_promise import charge_promise
from billing.credit import count_later
from billing.exit_decision import decide_exit
from billing.pairing import Passage
from billing.policy import BillingPolicy
from billing.rate_session import Rated, Unrated, billed_by, rate_session
from billing.session_lifecycle import State
from billing.sql import sessions as sql
from billing.tariff_shelf import TariffShelf
from contracts.facts import PassageSeen
from contracts.ids import CarParkId
from contracts.lane_orders import is_live
from contracts.orders import GiveOrder
from kernel.db import Row, Tx

BY_ITSELF: Final = "billing"
"""The actor of what nobody in particular does."""
GUEST_COMES_WITHIN: Final = timedelta(minutes=15)
"""Whoever is checked in so soon after the entry came for the promise; before that, it is a stay like any other."""


class Till(Struct, frozen=True, kw_only=True):
    """What billing a session needs beside it. `actor`: who caused it. `lost_ticket`: that its driver has lost."""

    give_order: GiveOrder
    shelf: TariffShelf
    policies: Mapping[str, BillingPolicy]
    actor: str = BY_ITSELF
    lost_ticket: str | None = None


class Priced(Struct, frozen=True, kw_only=True):
    """What the stay costs, and whose promise it was."""

    rated: Rated
    reservation: str | None = None

    @property
    def columns(self) -> dict[str, Any]:
        """Of the session."""
        if self.rated.unrated is not None:
            return {"state": State.EXITED, "reason": self.rated.unrated}
        return {
            "state": State.RATED if self.rated.total else State.CLOSED,
            "reason": None,
            "reservation": self.reservation,
            "fee": self.rated.document,
            "amount": self.rated.total,
        }


async def price(tx: Tx, till: Till, row: Row, *, guest: Row | None) -> Priced:
    """Of the locked session in `row`, whose exit is known; `guest` is the promise that it took up (`sql.guests`)."""
    apart = timedelta(0)
    if not row["zone"] and till.policies[row["car_park"]].zone_time == "instead":
        apart = await sql.time_apart(tx, row["id"])
    if guest is not None:
        if guest["by_entry"] or guest["checked_in_at"] - row["entry_at"] <= GUEST_COMES_WITHIN:
            return Priced(rated=billed_by("reservation"), reservation=guest["reservation"])
        apart += row["exit_at"] - guest["checked_in_at"]
    apart = min(apart, row["exit_at"] - row["entry_at"])
    lost = row["ticket"] is not None and row["ticket"] == till.lost_ticket
    return Priced(rated=await rate_session(tx, till.shelf, row, apart=apart, ticket_lost=lost))


async def bill_session(tx: Tx, till: Till, row: Row, passage: Passage, *, guest: Row | None = None) -> Row:
    """The row afterwards. `passage` is where the vehicle stands, or stood."""
    priced = await price(tx, till, row, guest=guest)
    stands = is_live(seen(row, passage), tx.now)
    if till.actor == BY_ITSELF and not stands and await _is_dearer(tx, row, priced):
        priced = Priced(rated=Rated(unrated=Unrated.DEARER))
    (row,) = await sql.move(tx, [(row, priced.columns)])
    if priced.reservation is not None:
        await charge_promise(tx, priced.reservation)
    await decide_exit(tx, till.give_order, row, priced.rated.fee, seen(row, passage))
    if row["supersedes"] is not None:
        await count_later(tx, row["id"])
    return row


async def decide_again(tx: Tx, till: Till, row: Row, passage: Passage) -> None:
    """The vehicle is still at the exit, and was read there again."""
    fee = None
    if row["state"] in (State.RATED, State.CLOSED) and row["reservation"] is None:
        lost = bool(row["fee"].get("ticket_lost"))
        apart = timedelta(seconds=row["fee"].get("apart_s", 0))
        fee = (await rate_session(tx, till.shelf, row, apart=apart, ticket_lost=lost)).fee
    await decide_exit(tx, till.give_order, row, fee, seen(row, passage))


async def _is_dearer(tx: Tx, row: Row, priced: Priced) -> bool:
    if row["supersedes"] is None or priced.rated.unrated is not None:
        return False
    asked = await sql.amount_of(tx, row["supersedes"])
    return asked is not None and priced.rated.total > asked


def seen(row: Row, passage: Passage) -> PassageSeen:
    """The passage as a fact again, of the vehicle as the session knows it."""
    return PassageSeen(
        car_park=CarParkId(row["car_park"]),
        id=passage.id,
        lane=passage.lane,
        direction=passage.direction,
        plate=row["plate"],
        color=row["color"],
        vehicle_class=passage.vehicle_class,
        confidence=passage.confidence,
        image=passage.image,
        ticket=row["ticket"],
        at=passage.at,
        received_at=passage.at,
    )
