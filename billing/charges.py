"""The steps of a charge: its row, what happened, and the journal that moves the money, all or nothing.

`row` is locked by the caller (`sql.charges.lock`). A step that cannot follow raises WrongState and writes nothing.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct, structs

from billing import charge_lifecycle as lifecycle
from billing import ledger
from billing.charge_lifecycle import Charge, State, StepRefused
from billing.errors import WrongState
from billing.ledger import Owed, Posting
from billing.post import post, post_all
from billing.sql import charges as sql
from kernel.db import Row, Tx
from kernel.ids import new_id


class NewCharge(Struct, frozen=True, kw_only=True):
    """What is owed for a stay (`session`) or a promise (`reservation`). Fen; `[begins, ends)` is the time it is for."""

    kind: str
    car_park: str
    operator: str
    amount: int
    lines: Sequence[dict[str, Any]]
    begins: datetime
    ends: datetime
    due_at: datetime
    plate: str | None = None
    color: str | None = None
    ticket: str | None = None
    driver: str | None = None
    session: str | None = None
    reservation: str | None = None
    tariff: str | None = None
    owner: str | None = None
    owner_share_bp: int = 0
    platform_share_bp: int = 0
    remind_at: datetime | None = None
    quote_good_until: datetime | None = None
    """Makes it a quote: nothing is owed, and nothing posted, before it is paid."""


def owed(row: Row) -> Owed:
    """Of a charge's row, what its journals need."""
    payer = ledger.payer_of(plate=row["plate"], color=row["color"], car_park=row["car_park"], ticket=row["ticket"])
    return Owed(charge=row["id"], operator=row["operator"], payer=payer)


async def raise_charge(tx: Tx, wanted: NewCharge, *, actor: str = "billing") -> Row:
    """Ask for it. The database refuses a second one for the same stay or promise (IntegrityConstraintViolation)."""
    (row,) = await raise_charges(tx, [wanted], actor=actor)
    return row


async def raise_charges(tx: Tx, wanted: Sequence[NewCharge], *, actor: str = "billing") -> list[Row]:
    """The same for many, in as many round trips as for one; in the same order."""
    if not wanted:
        return []
    rows = await sql.insert(tx, [_columns(tx, one) for one in wanted], actor=actor)
    await post_all(tx, [ledger.rated(owed(row), row["amount"]) for row in rows if row["state"] == State.DUE])
    return rows


def _columns(tx: Tx, wanted: NewCharge) -> dict[str, Any]:
    said = structs.asdict(wanted)
    good_until = said.pop("quote_good_until")
    return {
        **said,
        "id": new_id("chg", tx.now),
        "state": State.DUE if good_until is None else State.QUOTED,
        "good_until": good_until,
    }


async def take_up_quote(tx: Tx, row: Row, *, actor: str = "billing", remind_at: datetime | None = None) -> Row:
    """The driver pays it, or leaves with it: from now on it is owed."""
    moved = await _move(tx, row, "taken_up", actor, lifecycle.due, remind_at=remind_at)
    await post(tx, ledger.rated(owed(row), row["amount"]))
    return moved


async def accept_charge(tx: Tx, row: Row, *, channel: str) -> Row:
    """`channel` will collect it."""
    return await _move(tx, row, "accepted", channel, lifecycle.accepted, channel=channel)


async def refuse_charge(tx: Tx, row: Row, *, channel: str, error: str) -> Row:
    """`channel` could not collect it: it is due now, and the driver is asked."""
    detail = {"error": error}
    return await _move(
        tx, row, "channel_failed", channel, lifecycle.refused, detail=detail, due_at=min(row["due_at"], tx.now)
    )


async def defer_charge(tx: Tx, row: Row, *, due_at: datetime, remind_at: datetime, driver: str | None) -> Row:
    """A channel is to collect it first, for whoever has the vehicle's agreement: unpaid it is from `due_at` on."""
    return await _move(
        tx, row, "deferred", "billing", lifecycle.deferred, due_at=due_at, remind_at=remind_at, driver=driver
    )


async def remind_of_charge(tx: Tx, row: Row, *, level: int, remind_at: datetime | None) -> Row:
    """The `level`-th reminder went out; the next one is due at `remind_at`."""
    return await _move(tx, row, "reminded", "billing", lifecycle.overdue, level, remind_at=remind_at)


async def write_off_charge(tx: Tx, row: Row, *, actor: str, reason: str) -> Row:
    """Nobody is asked for it any more; whoever pays it all the same is welcome."""
    moved = await _move(tx, row, "written_off", actor, lifecycle.written_off, detail={"reason": reason})
    await post(tx, ledger.written_off(owed(row), row["amount"] - row["paid"]))
    return moved


async def dispute_charge(tx: Tx, row: Row, *, actor: str, reason: str) -> Row:
    """The driver objects: nobody reminds him until somebody has looked at it."""
    return await _move(tx, row, "disputed", actor, lifecycle.disputed, detail={"reason": reason})


async def uphold_charge(tx: Tx, row: Row, *, actor: str, reason: str, remind_at: datetime | None = None) -> Row:
    """It is owed as it was; nobody is reminded before `remind_at`."""
    return await _move(tx, row, "upheld", actor, lifecycle.upheld, detail={"reason": reason}, remind_at=remind_at)


async def adjust_charge(
    tx: Tx, row: Row, amount: int, *, actor: str, reason: str, remind_at: datetime | None = None
) -> Row:
    """It costs `amount`; the rest of it is owed, and nobody is reminded before `remind_at`."""
    detail = {"reason": reason, "was": row["amount"]}
    moved = await _move(tx, row, "adjusted", actor, lifecycle.adjusted, amount, detail=detail, remind_at=remind_at)
    if amount != row["amount"]:
        await post(tx, ledger.adjusted(owed(row), amount - row["amount"], version=moved["version"]))
    return moved


async def void_charge(tx: Tx, row: Row, *, actor: str, reason: str) -> Row:
    """It should never have been asked for."""
    moved = await _move(tx, row, "voided", actor, lifecycle.void, detail={"reason": reason})
    if row["state"] != State.QUOTED:
        await post(tx, ledger.adjusted(owed(row), -row["amount"], version=moved["version"]))
    return moved


async def pay_charge(
    tx: Tx, row: Row, amount: int, *, payment: str, channel: str, is_advanced: bool | None = None
) -> Row:
    """`channel` has `amount`, which is all that was open. `is_advanced`: out of its own pocket, for the driver."""
    if row["state"] == State.QUOTED:
        row = await take_up_quote(tx, row)
    detail = {"payment": payment, "amount": amount}
    moved = await _move(
        tx, row, "paid", channel, lifecycle.paid, amount, detail=detail, channel=channel, is_advanced=is_advanced
    )
    was_written_off = row["state"] == State.WRITTEN_OFF
    journal = ledger.paid(owed(row), amount, payment=payment, channel=channel, was_written_off=was_written_off)
    await post(tx, journal)
    return moved


async def refund_charge(
    tx: Tx, row: Row, amount: int, shares: Sequence[Posting], *, refund: str, channel: str, actor: str
) -> Row:
    """`amount` went back; `shares`, whose sum it is, say at whose cost."""
    detail = {"refund": refund, "amount": amount}
    moved = await _move(tx, row, "refunded", actor, lifecycle.refunded, amount, detail=detail)
    await post(tx, ledger.refunded(owed(row), shares, amount, refund=refund, channel=channel))
    return moved


async def _move(
    tx: Tx,
    row: Row,
    kind: str,
    actor: str,
    step: Callable[..., Charge],
    *args: Any,
    detail: dict[str, Any] | None = None,
    **kept: Any,
) -> Row:
    try:
        after = step(sql.charge_of(row), *args)
    except StepRefused as refused:
        raise WrongState(f"{row['id']}: {refused}", charge=row["id"], state=row["state"]) from refused
    moved = await sql.move(tx, row, after, kind, actor=actor, detail=detail or {}, **kept)
    if moved is None:
        raise WrongState(f"{row['id']} was changed at the same moment: read it and try again", charge=row["id"])
    return moved
