"""Sessions as they are looked at: pages of them, and one with where it was and how the cameras saw it."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from kernel.callers import Caller
from kernel.db import Row, Tx

PAGE_OF_DRIVER: Final = """
    -- Whose agreement it was at the time, or who paid for it; what was put right is seen as it is now.
    SELECT session.* FROM billing.session
    WHERE session.id IN (
            SELECT id FROM billing.session WHERE driver = $1
            UNION ALL
            SELECT charge.session FROM billing.payment
            JOIN billing.payment_charge AS part ON part.payment = payment.id
            JOIN billing.charge ON charge.id = part.charge
            WHERE payment.driver = $1 AND payment.state = 'succeeded'
        )
        AND session.state NOT IN ('corrected', 'matched') AND ($2::text IS NULL OR session.id < $2)
        AND ($3::text[] IS NULL OR session.state = ANY ($3))
    ORDER BY session.id DESC LIMIT $4
"""


async def page_of_driver(
    tx: Tx, driver: str, *, below: str | None, states: Sequence[str] | None, limit: int
) -> list[Row]:
    """Newest first."""
    return await tx.fetch(PAGE_OF_DRIVER, driver, below, states, limit)


OF_DRIVER: Final = """
    SELECT session.* FROM billing.session
    WHERE session.id = $1 AND (session.driver = $2 OR EXISTS (
        SELECT FROM billing.charge
        JOIN billing.payment_charge AS part ON part.charge = charge.id
        JOIN billing.payment ON payment.id = part.payment
        WHERE charge.session = session.id AND payment.driver = $2 AND payment.state = 'succeeded'
    ))
"""


async def of_driver(tx: Tx, session: str, driver: str) -> Row | None:
    """If it concerns `driver`."""
    return await tx.fetchrow(OF_DRIVER, session, driver)


OWN: Final = """
    SELECT * FROM billing.session WHERE id = $1 AND ($2::text[] IS NULL OR operator = ANY ($2))
"""


async def own(tx: Tx, session: str, caller: Caller) -> Row | None:
    """If it is of an operator whom `caller` covers."""
    return await tx.fetchrow(OWN, session, caller.covered)


PAGE_OF_CAR_PARK: Final = """
    SELECT * FROM billing.session
    WHERE car_park = $1 AND ($2::text IS NULL OR id < $2) AND ($3::text[] IS NULL OR state = ANY ($3))
        AND ($4::text IS NULL OR plate = $4)
    ORDER BY id DESC LIMIT $5
"""


async def page_of_car_park(
    tx: Tx, car_park: str, *, below: str | None, states: Sequence[str] | None, plate: str | None, limit: int
) -> list[Row]:
    """Newest first, with all that was put right."""
    return await tx.fetch(PAGE_OF_CAR_PARK, car_park, below, states, plate, limit)


EXCEPTIONS: Final = """
    SELECT * FROM billing.session
    -- Without a reason it is only not priced yet.
    WHERE state IN ('exited', 'suspect', 'orphan_exit') AND (state <> 'exited' OR reason IS NOT NULL)
        AND ($1::text[] IS NULL OR operator = ANY ($1))
        AND ($2::text IS NULL OR car_park = $2) AND ($3::text IS NULL OR id < $3)
        AND ($4::text[] IS NULL OR state = ANY ($4))
    ORDER BY id DESC LIMIT $5
"""


async def exceptions(
    tx: Tx, caller: Caller, *, car_park: str | None, below: str | None, states: Sequence[str] | None, limit: int
) -> list[Row]:
    """What waits for a person, newest first, of the operators whom `caller` covers."""
    return await tx.fetch(EXCEPTIONS, caller.covered, car_park, below, states, limit)


EVIDENCE: Final = """
    SELECT session.id AS session, card.name_zh, card.name_en, card.address,
        operator.name_zh AS operator_zh, operator.name_en AS operator_en, tariff.number AS tariff_number,
        coalesce(own.policy ->> 'complaint_telephone', city.policy ->> 'complaint_telephone') AS telephone,
        came.at AS entry_at, came.lane AS entry_lane, came.image AS entry_image, came.confidence AS entry_confidence,
        came.made_by AS entry_made_by, came.reason AS entry_reason,
        went.at AS exit_at, went.lane AS exit_lane, went.image AS exit_image, went.confidence AS exit_confidence,
        went.made_by AS exit_made_by, went.reason AS exit_reason
    FROM billing.session
    LEFT JOIN billing.passage AS came ON (came.car_park, came.id) = (session.car_park, session.entry_passage)
    LEFT JOIN billing.passage AS went ON (went.car_park, went.id) = (session.car_park, session.exit_passage)
    LEFT JOIN billing.tariff ON tariff.id = session.tariff
    LEFT JOIN billing.policy AS own ON own.car_park = session.car_park
    LEFT JOIN billing.policy AS city ON city.car_park = ''
    LEFT JOIN registry.car_park_card AS card ON card.id = session.car_park
    LEFT JOIN registry.operator_directory AS operator ON operator.id = session.operator
    WHERE session.id = ANY ($1)
"""


async def evidence(tx: Tx, sessions: Sequence[str]) -> dict[str, Row]:
    """Of each: where it was, by which version of the tariff, and its passages as they were seen or put right."""
    return {row["session"]: row for row in await tx.fetch(EVIDENCE, list(sessions))}


CHARGES: Final = "SELECT * FROM billing.charge WHERE session = $1 ORDER BY id"


async def charges(tx: Tx, session: str) -> list[Row]:
    """What is and was asked for it, the first one first."""
    return await tx.fetch(CHARGES, session)


APART: Final = """
    SELECT coalesce(sum(least(coalesce(inside.exit_at, $2), $2) - greatest(inside.entry_at, around.entry_at)),
        interval '0')
    FROM billing.session AS around JOIN billing.session AS inside ON inside.parent = around.id
    WHERE around.id = $1 AND inside.tariff IS NOT NULL AND inside.entry_at < $2
        AND inside.state IN ('open', 'exited', 'rated', 'closed')
"""


async def apart_so_far(tx: Tx, session: str) -> timedelta:
    """How long the vehicle has been in zones that have prices of their own."""
    found: timedelta = await tx.fetchval(APART, session, tx.now)
    return found


LINE: Final = """
    WITH RECURSIVE back (id, supersedes) AS (
        SELECT id, supersedes FROM billing.passage WHERE car_park = $1 AND id = $2
        UNION ALL
        SELECT told.id, told.supersedes FROM billing.passage AS told
        JOIN back ON told.car_park = $1 AND told.id = back.supersedes
    ), line (id, depth) AS (
        SELECT id, 0 FROM back WHERE supersedes IS NULL
        UNION ALL
        SELECT better.id, depth + 1 FROM billing.passage AS better
        JOIN line ON better.car_park = $1 AND better.supersedes = line.id
    )
    SELECT one.* FROM billing.passage AS one JOIN line ON one.car_park = $1 AND one.id = line.id ORDER BY line.depth
"""


async def read_line(tx: Tx, car_park: str, passage: str) -> list[Row]:
    """A passage and all that put it right, the first one first."""
    return await tx.fetch(LINE, car_park, passage)
