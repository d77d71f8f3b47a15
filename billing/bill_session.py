"""A session whose exit is known is rated and decided on: closed, owed, or an exception that waits for a person.

Passages that come later never make a stay dearer by themselves once it was asked for: that is left to an operator, who
says so. Of a vehicle that stands at the exit it is not later.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from msgspec import Struct

from billing.charge_promise import charge_promise
from billing.credit import count_later
from billing.exit_decision import Leaving, decide_exit, decide_exits
from billing.pairing import Passage
from billing.policy import BillingPolicy
from billing.rate_session import Rated, Unrated, billed_by, rate_session
from billing.session_lifecycle import State
from billing.sql import sessions as sql
from billing.tariff_shelf import TariffShelf
from billing.tariffs.fee import Fee
from contracts.facts import PassageSeen
from contracts.ids import CarParkId
from contracts.lane_orders import is_live
from contracts.orders import GiveOrder
from kernel.db import Row, Tx

BY_ITSELF: Final = "billing"
"""The actor of what nobody in particular does."""
NOTHING: Final = Fee(total=0, currency="CNY", minor_digits=2, lines=(), plan="", rises_at=None, changes_at=None)
"""Of a nested zone without prices of its own: its barrier opens, the car park's asks."""
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
    def is_of_parent(self) -> bool:
        """The stay around it is billed instead."""
        return self.rated.fee is None and self.rated.unrated is None and self.reservation is None

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


async def price(tx: Tx, till: Till, row: Row, around: Row) -> Priced:
    """Of the locked session in `row`, whose exit is known; `around` is what lies around it (`sql.around`)."""
    apart = timedelta(0)
    if not row["zone"] and till.policies[row["car_park"]].zone_time == "instead":
        apart = around["apart"]
    if around["reservation"] is not None:
        if around["by_entry"] or around["checked_in_at"] - row["entry_at"] <= GUEST_COMES_WITHIN:
            return Priced(rated=billed_by("reservation"), reservation=around["reservation"])
        apart += row["exit_at"] - around["checked_in_at"]
    apart = min(apart, row["exit_at"] - row["entry_at"])
    lost = row["ticket"] is not None and row["ticket"] == till.lost_ticket
    return Priced(rated=await rate_session(tx, till.shelf, row, apart=apart, ticket_lost=lost))


async def bill_sessions(tx: Tx, till: Till, stays: Sequence[tuple[Row, Passage]]) -> list[Row]:
    """The locked sessions, priced in this order and decided on; each with the passage where the vehicle stands, or
    stood. Their rows as they are afterwards.
    """
    around = await sql.around(tx, [row["id"] for row, _ in stays])
    written: list[Row] = []
    priced: list[tuple[Row, Priced]] = []
    for row, passage in stays:
        found = await price(tx, till, row, around[row["id"]])
        asked = around[row["id"]]["asked"]
        is_later = till.actor == BY_ITSELF and not is_live(seen(row, passage), tx.now)
        if is_later and asked is not None and found.rated.total > asked:
            found = Priced(rated=Rated(unrated=Unrated.DEARER))
        priced.append((row, found))
        if found.rated.looks_back:  # the next one may have to see this one
            written += await _keep(tx, priced[len(written) :])
    written += await _keep(tx, priced[len(written) :])
    leaving = []
    for row, (_, found), (_, passage) in zip(written, priced, stays, strict=True):
        if found.reservation is not None:
            await charge_promise(tx, found.reservation)
        fee = NOTHING if found.is_of_parent else found.rated.fee
        leaving.append(Leaving(row, fee, seen(row, passage)))
    await decide_exits(tx, till.give_order, leaving)
    for row in written:
        if row["supersedes"] is not None:
            await count_later(tx, row["id"])
    return written


async def _keep(tx: Tx, priced: Sequence[tuple[Row, Priced]]) -> list[Row]:
    return await sql.move(tx, [(row, found.columns) for row, found in priced])


def in_order(row: Row) -> tuple[str, str, datetime, str]:
    """By what sessions are sorted before they are billed: two who bill the same vehicles never wait in a circle for
    their accounts, and each vehicle's stays are priced one after the other.
    """
    return row["plate"] or "", row["ticket"] or "", row["entry_at"] or row["exit_at"], row["id"]


async def decide_again(tx: Tx, till: Till, row: Row, passage: Passage) -> None:
    """The vehicle is still at the exit, and was read there again."""
    fee = None
    if row["state"] in (State.RATED, State.CLOSED) and row["reservation"] is None:
        lost = bool(row["fee"].get("ticket_lost"))
        apart = timedelta(seconds=row["fee"].get("apart_s", 0))
        rated = await rate_session(tx, till.shelf, row, apart=apart, ticket_lost=lost)
        fee = NOTHING if rated.fee is None and rated.unrated is None else rated.fee
    await decide_exit(tx, till.give_order, row, fee, seen(row, passage))


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
