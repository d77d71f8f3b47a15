"""Charges as they are looked at: pages of them, one with all that proves it, and what a vehicle has not paid."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from kernel.callers import Caller
from kernel.db import Row, Tx

UNPAID: Final = ("due", "overdue", "adjusted", "disputed", "written_off")
"""States in which a driver may be asked, or has been; a charge that a channel collects is none of them."""

PAGE_OF_DRIVER: Final = """
    SELECT * FROM billing.charge
    WHERE driver = $1 AND ($2::text IS NULL OR id < $2) AND ($3::text[] IS NULL OR state = ANY ($3))
    ORDER BY id DESC LIMIT $4
"""


async def page_of_driver(
    tx: Tx, driver: str, *, below: str | None, states: Sequence[str] | None, limit: int
) -> list[Row]:
    """Newest first."""
    return await tx.fetch(PAGE_OF_DRIVER, driver, below, states, limit)


PAGE_OF_CAR_PARK: Final = """
    -- An id begins with its moment, so that a day is a range of ids.
    SELECT * FROM billing.charge
    WHERE car_park = $1 AND ($2::text IS NULL OR id < $2) AND ($3::text[] IS NULL OR state = ANY ($3))
        AND ($4::text IS NULL OR id >= $4) AND ($5::text IS NULL OR id < $5)
    ORDER BY id DESC LIMIT $6
"""


async def page_of_car_park(
    tx: Tx,
    car_park: str,
    during: tuple[datetime, datetime] | None,
    *,
    below: str | None,
    states: Sequence[str] | None,
    limit: int,
) -> list[Row]:
    """Those that were made in `during`, newest first."""
    since, until = (None, None) if during is None else (_first_id(during[0]), _first_id(during[1]))
    return await tx.fetch(PAGE_OF_CAR_PARK, car_park, below, states, since, until, limit)


def _first_id(moment: datetime) -> str:
    """No charge that is made from `moment` on has a lower one."""
    return f"chg_{max(0, round(moment.timestamp() * 1000)):012x}"


async def read(tx: Tx, charge: str, *, driver: str | None) -> Row | None:
    """Of this driver (None: anybody's)."""
    return await tx.fetchrow(
        "SELECT * FROM billing.charge WHERE id = $1 AND ($2::text IS NULL OR driver = $2)", charge, driver
    )


async def read_own(tx: Tx, charge: str, caller: Caller) -> Row | None:
    """Of an operator whom `caller` covers."""
    return await tx.fetchrow(
        "SELECT * FROM billing.charge WHERE id = $1 AND ($2::text[] IS NULL OR operator = ANY ($2))",
        charge,
        caller.covered,
    )


EVIDENCE: Final = """
    SELECT charge.id AS charge, card.name_zh, card.name_en, card.address, card.time_zone,
        operator.name_zh AS operator_zh, operator.name_en AS operator_en, tariff.number AS tariff_number,
        coalesce(own.policy ->> 'complaint_telephone', city.policy ->> 'complaint_telephone') AS telephone,
        came.at AS entry_at, came.lane AS entry_lane, came.image AS entry_image, came.confidence AS entry_confidence,
        went.at AS exit_at, went.lane AS exit_lane, went.image AS exit_image, went.confidence AS exit_confidence
    FROM billing.charge
    LEFT JOIN billing.session ON session.id = charge.session
    LEFT JOIN billing.passage AS came ON (came.car_park, came.id) = (session.car_park, session.entry_passage)
    LEFT JOIN billing.passage AS went ON (went.car_park, went.id) = (session.car_park, session.exit_passage)
    LEFT JOIN billing.tariff ON tariff.id = charge.tariff
    LEFT JOIN billing.policy AS own ON own.car_park = charge.car_park
    LEFT JOIN billing.policy AS city ON city.car_park = ''
    LEFT JOIN registry.car_park_card AS card ON card.id = charge.car_park
    LEFT JOIN registry.operator_directory AS operator ON operator.id = charge.operator
    WHERE charge.id = ANY ($1)
"""


async def evidence(tx: Tx, charges: Sequence[str]) -> dict[str, Row]:
    """Of each charge: where it was, when, as the cameras saw it, and by which version of the tariff."""
    return {row["charge"]: row for row in await tx.fetch(EVIDENCE, list(charges))}


EVENTS: Final = """
    SELECT at, kind, version, actor, detail FROM billing.charge_event WHERE charge = $1 ORDER BY number LIMIT $2
"""
EVENTS_MAX: Final = 200
"""A charge has some ten; whatever made more is looked at in the table."""


async def events(tx: Tx, charge: str) -> list[Row]:
    """What happened to it, in order."""
    return await tx.fetch(EVENTS, charge, EVENTS_MAX)


NEWS: Final = """
    -- Of the latest charges: whatever may still happen to one is among these.
    SELECT event.number, event.charge, event.at, event.kind, event.version, event.actor, event.detail,
        mine.state, mine.amount, mine.paid, mine.level, mine.car_park
    FROM (SELECT * FROM billing.charge WHERE driver = $1 ORDER BY id DESC LIMIT $4) AS mine
    JOIN billing.charge_event AS event ON event.charge = mine.id
    WHERE $2::bigint IS NULL OR event.number < $2
    ORDER BY event.number DESC LIMIT $3
"""
NEWS_CHARGES_MAX: Final = 2_000


async def news(tx: Tx, driver: str, *, below: int | None, limit: int) -> list[Row]:
    """What happened to the driver's charges, the latest first."""
    return await tx.fetch(NEWS, driver, below, limit, NEWS_CHARGES_MAX)


ARREARS: Final = """
    SELECT * FROM billing.charge
    WHERE plate = $1 AND (color = $2 OR color IS NULL) AND state = ANY ($3) AND (state = 'disputed' OR due_at <= $4)
    ORDER BY id LIMIT $5
"""
ARREARS_MAX: Final = 500
"""Of one vehicle, the oldest first: whoever pays these is shown the others."""


async def arrears(tx: Tx, plate: str, color: str) -> list[Row]:
    """What the vehicle has not paid, over all car parks, without what a channel is still collecting."""
    return await tx.fetch(ARREARS, plate, color, list(UNPAID), tx.now, ARREARS_MAX)


WAS_THERE: Final = """
    SELECT EXISTS (
        SELECT FROM billing.session
        WHERE car_park = $1 AND plate = $2 AND (color = $3 OR color IS NULL)
            AND entry_at BETWEEN $4 AND $5 AND state NOT IN ('corrected', 'voided', 'matched')
    )
"""


async def was_there(tx: Tx, car_park: str, vehicle: tuple[str, str], entered_at: datetime, within: timedelta) -> bool:
    """Whether the vehicle (plate, colour) drove in there at that time."""
    return bool(await tx.fetchval(WAS_THERE, car_park, *vehicle, entered_at - within, entered_at + within))
