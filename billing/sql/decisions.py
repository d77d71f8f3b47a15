"""What was decided of a stay, kept with it; and which vehicle stands before which barrier because of it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from contracts.facts import PassageSeen
from kernel.db import Row, Tx

KEEP_AT_ENTRY: Final = """
    UPDATE billing.session SET at_entry = $2, driver = coalesce($3, driver), updated_at = $4 WHERE id = $1
"""


async def keep_at_entry(tx: Tx, session: str, document: dict[str, Any], driver: str | None) -> None:
    """The session is locked; its version says nothing of decisions."""
    await tx.execute(KEEP_AT_ENTRY, session, document, driver, tx.now)


KEEP_AT_EXIT: Final = """
    -- Whoever is decided on at a lane takes the place of whoever stood there, who has gone; and stands nowhere else.
    WITH kept AS (
        SELECT * FROM jsonb_to_recordset($1)
            AS kept (session text, at_exit jsonb, driver text, car_park text, lane text, is_live boolean)
    ), gone AS (
        DELETE FROM billing.lane_wait AS wait USING kept
        WHERE kept.is_live AND (wait.car_park, wait.lane) = (kept.car_park, kept.lane)
    ), moved AS (
        DELETE FROM billing.lane_wait AS wait USING kept
        WHERE kept.is_live AND wait.session = kept.session AND (wait.car_park, wait.lane) <> (kept.car_park, kept.lane)
    )
    UPDATE billing.session SET at_exit = kept.at_exit, driver = coalesce(kept.driver, session.driver), updated_at = $2
    FROM kept WHERE session.id = kept.session
"""


class AtExitKept(Struct, frozen=True, kw_only=True):
    """What is kept of a decision. `is_live`: the vehicle of `passage` stands at its lane, and nobody else does."""

    session: str
    document: dict[str, Any]
    passage: PassageSeen
    is_live: bool
    driver: str | None

    @property
    def columns(self) -> dict[str, Any]:
        """Of the statement."""
        return {
            "session": self.session,
            "at_exit": self.document,
            "driver": self.driver,
            "car_park": self.passage.car_park,
            "lane": self.passage.lane,
            "is_live": self.is_live,
        }


async def keep_at_exit(tx: Tx, decided: Sequence[AtExitKept]) -> None:
    """The sessions are locked; no two stand at one lane."""
    await tx.execute(KEEP_AT_EXIT, [one.columns for one in decided], tx.now)


WAIT: Final = """
    INSERT INTO billing.lane_wait (car_park, lane, charge, session, passage, since) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (car_park, lane) DO UPDATE
    SET charge = excluded.charge, session = excluded.session, passage = excluded.passage, since = excluded.since
"""


async def wait(tx: Tx, passage: PassageSeen, *, session: str, charge: str | None) -> None:
    """The vehicle of `passage` stands there until `charge` is paid, or (None) until staff have come."""
    await tx.execute(WAIT, passage.car_park, passage.lane, charge, session, passage.id, passage.at)


LEAVE: Final = """
    DELETE FROM billing.lane_wait WHERE charge = ANY ($1) RETURNING car_park, lane, charge, session, passage, since
"""


async def leave(tx: Tx, charges: Sequence[str]) -> list[Row]:
    """Who stood before a barrier for these charges, and does no more."""
    return await tx.fetch(LEAVE, list(charges))


WAITING: Final = """
    SELECT wait.lane, wait.charge, wait.session, wait.since, wait.passage, session.plate, session.color, session.ticket,
        session.at_exit, charge.amount, charge.paid, charge.state
    FROM billing.lane_wait AS wait
    JOIN billing.session ON session.id = wait.session
    LEFT JOIN billing.charge ON charge.id = wait.charge
    WHERE wait.car_park = $1 AND ($2::text IS NULL OR wait.lane = $2) AND wait.since > $3
    ORDER BY wait.since
"""


async def waiting(tx: Tx, car_park: str, lane: str | None, since: datetime) -> list[Row]:
    """Who stands before the barriers of `car_park`, and came after `since`."""
    return await tx.fetch(WAITING, car_park, lane, since)


WAITING_VEHICLE: Final = """
    SELECT wait.car_park, wait.lane, wait.charge, wait.session, wait.since, session.at_exit
    FROM billing.lane_wait AS wait JOIN billing.session ON session.id = wait.session
    WHERE session.plate = $1 AND session.color = $2 AND wait.charge IS NOT NULL
    ORDER BY wait.since DESC LIMIT 1
    FOR NO KEY UPDATE OF session, wait SKIP LOCKED
"""


async def waiting_vehicle(tx: Tx, plate: str, color: str) -> Row | None:
    """Where the vehicle stands until it has paid, locked; None also where it is just being decided on."""
    return await tx.fetchrow(WAITING_VEHICLE, plate, color)


async def change_at_exit(tx: Tx, session: str, document: dict[str, Any], driver: str | None) -> None:
    """The session is locked."""
    await tx.execute(
        "UPDATE billing.session SET at_exit = $2, driver = coalesce($3, driver), updated_at = $4 WHERE id = $1",
        session,
        document,
        driver,
        tx.now,
    )


LEAVE_OF_SESSION: Final = """
    DELETE FROM billing.lane_wait WHERE session = $1 RETURNING car_park, lane, charge, session, passage, since
"""


async def leave_of_session(tx: Tx, session: str) -> list[Row]:
    """Where the vehicle of the stay stood before a barrier, and does no more."""
    return await tx.fetch(LEAVE_OF_SESSION, session)
