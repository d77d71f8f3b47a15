"""Somebody says that a day is not paid out yet, and why; and somebody that it goes on."""

from billing.errors import CityWide, UnknownSettlement, WrongState
from billing.settlement_lifecycle import STEPS, State
from billing.sql import settlements as sql
from kernel.db import Row, Tx


async def hold_settlement(tx: Tx, settlement: str, *, reason: str, by_city: bool) -> Row:
    """Raises UnknownSettlement; WrongState for a day that is open, held already, or paid out."""
    row = await _locked(tx, settlement)
    if State.HELD not in STEPS[State(row["state"])]:
        detail = f"{settlement} is {row['state']}: a day is held between its end and its pay-out"
        raise WrongState(detail, state=row["state"])
    return await _moved(tx, row, State.HELD, held_in=row["state"], reason=reason, by_city=by_city)


async def release_settlement(tx: Tx, settlement: str, *, reason: str, by_city: bool) -> Row:
    """It goes on where it was. Raises UnknownSettlement, WrongState; CityWide for what the city holds."""
    row = await _locked(tx, settlement)
    if row["state"] != State.HELD:
        raise WrongState(f"{settlement} is {row['state']}: only what is held is released", state=row["state"])
    if row["held_by_city"] and not by_city:
        raise CityWide("the city holds it, and only the city releases it")
    return await _moved(tx, row, State(row["held_in"]), held_in=None, reason=reason, by_city=False)


async def _locked(tx: Tx, settlement: str) -> Row:
    row = await sql.lock(tx, settlement)
    if row is None:
        raise UnknownSettlement(settlement=settlement)
    return row


async def _moved(tx: Tx, row: Row, state: State, *, held_in: str | None, reason: str, by_city: bool) -> Row:
    moved = await sql.move(tx, row, state, held_in=held_in, reason=reason, held_by_city=by_city)
    assert moved is not None, "the row is locked"  # noqa: S101
    return moved
