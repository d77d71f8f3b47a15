"""Stays as they stand when they are decided on, made by hand: what is under test here is the decision."""

from datetime import datetime, timedelta
from typing import Any

from billing.charges import NewCharge, raise_charge
from billing.tariffs.fee import Fee, Line
from contracts.facts import PassageSeen
from contracts.ids import CarParkId
from kernel.db import Row, Tx
from kernel.ids import new_id

PARK, MIRA = "sy-1", "mira"
PLATE, COLOR = "辽A12345", "blue"


async def stay(tx: Tx, *, minutes: float = 60, **changes: Any) -> Row:
    """A session that began so long ago and is being left now."""
    said: dict[str, Any] = {
        "id": new_id("ses", tx.now),
        "car_park": PARK,
        "operator": MIRA,
        "plate": PLATE,
        "color": COLOR,
        "ticket": None,
        "state": "exited",
        "entry_passage": new_id("e", tx.now),
        "entry_at": tx.now - timedelta(minutes=minutes),
        "exit_passage": new_id("x", tx.now),
        "exit_at": tx.now,
        "reservation": None,
        **changes,
    }
    names, marks = ", ".join(said), ", ".join(f"${number + 2}" for number in range(len(said)))
    (row,) = await tx.fetch(
        f"INSERT INTO billing.session (created_at, updated_at, {names}) VALUES ($1, $1, {marks}) RETURNING *",
        tx.now,
        *said.values(),
    )
    return row


async def agreement(
    tx: Tx, *, state: str = "active", plate: str = PLATE, color: str = COLOR, driver: str = "ann"
) -> str:
    """One of the sandbox."""
    agreed = new_id("agr", tx.now)
    await tx.execute(
        "INSERT INTO billing.agreement (id, driver, plate, color, channel, state, created_at, updated_at)"
        " VALUES ($1, $2, $3, $4, 'sandbox', $5, $6, $6)",
        agreed,
        driver,
        plate,
        color,
        state,
        tx.now,
    )
    return agreed


async def owed(tx: Tx, left: Row, amount: int = 500, **changes: Any) -> Row:
    """A charge for `left` that is due now."""
    said: dict[str, Any] = {
        "kind": "parking",
        "session": left["id"],
        "car_park": left["car_park"],
        "operator": left["operator"],
        "plate": left["plate"],
        "color": left["color"],
        "ticket": left["ticket"],
        "amount": amount,
        "lines": [],
        "begins": left["entry_at"],
        "ends": left["exit_at"],
        "due_at": tx.now,
        **changes,
    }
    return await raise_charge(tx, NewCharge(**said))


def seen(now: datetime, direction: str, *, ago_s: float = 0, **changes: Any) -> PassageSeen:
    """The vehicle at the lane of that direction, `ago_s` seconds ago."""
    said: dict[str, Any] = {
        "car_park": CarParkId(PARK),
        "id": new_id("e", now),
        "lane": "E1" if direction == "entry" else "X1",
        "direction": direction,
        "plate": PLATE,
        "color": COLOR,
        "vehicle_class": "small",
        "confidence": 0.98,
        "image": None,
        "ticket": None,
        "at": now - timedelta(seconds=ago_s),
        "received_at": now,
    }
    return PassageSeen(**{**said, **changes})


def fee(total: int, kind: Any = "flat") -> Fee:
    """Of one line."""
    line = Line(kind=kind, amount=total, begins_s=0, ends_s=3600, price=total)
    return Fee(total=total, currency="CNY", minor_digits=2, lines=(line,), plan="p", rises_at=None, changes_at=None)
