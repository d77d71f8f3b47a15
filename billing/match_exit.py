"""An operator says which vehicle inside it was that left: the exit is read as its own, and its stay is over."""

from datetime import datetime

from msgspec.structs import replace

from billing.bill_session import Till
from billing.correct_passage import Seen, add_passage, replace_passage
from billing.errors import NotAStay, NothingInside, UnknownSession, WrongState
from billing.session_lifecycle import BILLED, State
from billing.sql import sessions as sql
from kernel.db import Row, Tx


async def match_exit(tx: Tx, till: Till, orphan: Row, inside: Row, *, reason: str) -> Row:
    """The session as it has become. `orphan` and `inside` are of one car park, and locked.

    Raises WrongState, NothingInside, NotAStay.
    """
    if orphan["state"] != State.ORPHAN_EXIT:
        raise WrongState("only an exit without an entry is matched", session=orphan["id"], state=orphan["state"])
    _check_inside(inside, orphan["exit_at"])
    vehicle = Seen(plate=inside["plate"], color=inside["color"], ticket=inside["ticket"])
    await replace_passage(tx, till, orphan["car_park"], orphan["exit_passage"], seen=vehicle, reason=reason)
    return await _left(tx, inside)


async def leave_without_ticket(
    tx: Tx, till: Till, inside: Row, *, lane: str, at: datetime, passage: str | None, reason: str
) -> Row:
    """Whoever lost the ticket of the session `inside` has left: as the lane told by `passage`, where it told anything;
    what that costs, the tariff says. Raises NothingInside, NotAStay, UnknownPassage, UnknownLane.
    """
    _check_inside(inside, at)
    if inside["ticket"] is None:
        raise NothingInside("only a vehicle without a plate has a ticket to lose", session=inside["id"])
    lost = replace(till, lost_ticket=inside["ticket"])
    seen = Seen(ticket=inside["ticket"], direction="exit", lane=lane, at=at)
    if passage is None:
        await add_passage(tx, lost, inside["car_park"], seen, reason=reason)
    else:
        await replace_passage(tx, lost, inside["car_park"], passage, seen=seen, reason=reason)
    return await _left(tx, inside)


def _check_inside(inside: Row, exit_at: datetime) -> None:
    if inside["state"] not in (State.OPEN, State.SUSPECT) or inside["entry_at"] >= exit_at:
        raise NothingInside(session=inside["id"], state=inside["state"])


async def _left(tx: Tx, inside: Row) -> Row:
    rows = await sql.lock(tx, [inside["id"]])
    if not rows:
        raise UnknownSession(session=inside["id"])
    if rows[0]["state"] not in BILLED:
        raise NotAStay(session=inside["id"])
    return rows[0]
