"""How a vehicle stands when it is decided on: its policy, its agreement, what is unpaid. One statement each, at the
exit for as many as leave in one batch.
"""

from collections.abc import Sequence
from functools import reduce
from typing import Final

from billing.eligibility import AgreementState, Known
from billing.sql.policies import MERGED, merged
from billing.standing import AtExit, Standing
from kernel.db import Row, Tx

_STANDING: Final = f"""
    {MERGED}, agreed.id AS agreement,
    CASE WHEN found.number = 0 AND found.words > 0 THEN 'pending' ELSE agreed.state END AS agreement_state,
    agreed.driver AS agreement_driver, agreed.channel AS agreement_channel,
    agreed.color AS agreement_color, unpaid.number AS unpaid, unpaid.amount AS amount_unpaid, unpaid.disputed
"""
_OF_VEHICLE: Final = """
    (
        -- Without a colour the plate alone, where one vehicle of that plate has an agreement; otherwise nobody. One
        -- that the channel has not confirmed is a word, and nobody's.
        SELECT count(*) FILTER (WHERE state <> 'pending') AS number, count(*) AS words,
            min(id) FILTER (WHERE state <> 'pending') AS id, min(state) FILTER (WHERE state <> 'pending') AS state,
            min(driver) FILTER (WHERE state <> 'pending') AS driver,
            min(channel) FILTER (WHERE state <> 'pending') AS channel,
            min(color) FILTER (WHERE state <> 'pending') AS color
        FROM billing.agreement
        WHERE plate = $2 AND ($3::text IS NULL OR color = $3) AND state <> 'ended'
    ) AS found
    LEFT JOIN LATERAL (
        SELECT found.id, found.state, found.driver, found.channel, found.color
    ) AS agreed ON found.number = 1
    CROSS JOIN (
        SELECT count(*) FILTER (WHERE state <> 'disputed' AND due_at <= $4) AS number,
            coalesce(sum(amount - paid) FILTER (WHERE state <> 'disputed' AND due_at <= $4), 0)::bigint AS amount,
            count(*) FILTER (WHERE state = 'disputed') AS disputed
        FROM billing.charge
        WHERE plate = $2 AND (color = $3 OR color IS NULL OR $3::text IS NULL)
            AND state IN ('due', 'overdue', 'disputed', 'adjusted', 'written_off')
            AND session IS DISTINCT FROM $5
    ) AS unpaid
"""
"""Parameters: 1 car park, 2 plate, 3 colour, 4 now, 5 the session that is decided on, which does not stand against
itself. A charge that a channel is collecting is due only when it has had its time.
"""


def _standing(row: Row, *, has_plate: bool) -> Standing:
    state = row["agreement_state"]
    return Standing(
        policy=merged(row),
        known=Known(
            has_plate=has_plate,
            agreement=None if state is None else AgreementState(state),
            unpaid=row["unpaid"],
            amount_unpaid=row["amount_unpaid"],
            disputed=row["disputed"],
        ),
        agreement=row["agreement"],
        driver=row["agreement_driver"],
        channel=row["agreement_channel"],
        color=row["agreement_color"],
    )


NOW: Final = f"SELECT {_STANDING} FROM {_OF_VEHICLE}"


async def standing(
    tx: Tx, car_park: str, *, plate: str | None, color: str | None, session: str | None = None
) -> Standing:
    """Over all car parks, by the policy of `car_park`."""
    (row,) = await tx.fetch(NOW, car_park, plate, color, tx.now, session)
    return _standing(row, has_plate=plate is not None)


def _of_asked(statement: str, asked: tuple[int, str]) -> str:
    """The statement for many: a parameter becomes the column of one who is asked for."""
    number, column = asked
    return statement.replace(f"${number}", f"asked.{column}")


AT_EXIT: Final = f"""
    SELECT {_STANDING}, own.paid, own.paid_at, promise.charge AS promise_charge, promise.amount AS promise_amount
    FROM {_OF_VEHICLE}
    CROSS JOIN (
        -- What was paid for the stay as it was before it was put right counts as well.
        SELECT coalesce(sum(charge.paid - charge.refunded), 0)::bigint AS paid,
            max((SELECT max(event.at) FROM billing.charge_event AS event
                 WHERE event.charge = charge.id AND event.kind = 'paid')) AS paid_at
        FROM billing.charge WHERE charge.session IN (
            WITH RECURSIVE before (id) AS (
                SELECT $5::text UNION
                SELECT session.supersedes FROM billing.session JOIN before ON session.id = before.id
                WHERE session.supersedes IS NOT NULL
            )
            SELECT id FROM before
        )
    ) AS own
    LEFT JOIN LATERAL (
        SELECT id AS charge, amount - paid AS amount FROM billing.charge
        WHERE reservation = $6 AND state IN ('due', 'overdue', 'adjusted') ORDER BY id LIMIT 1
    ) AS promise ON true
"""


_ASKED: Final = ("car_park", "plate", "color", "id", "reservation")
AT_EXITS: Final = f"""
    SELECT asked.id AS session, seen.*
    FROM unnest($1::text[], $2::text[], $3::text[], $5::text[], $6::text[]) AS asked ({", ".join(_ASKED)})
    CROSS JOIN LATERAL ({reduce(_of_asked, zip((1, 2, 3, 5, 6), _ASKED, strict=True), AT_EXIT)}) AS seen
"""


async def at_exits(tx: Tx, sessions: Sequence[Row]) -> dict[str, AtExit]:
    """Of each of the stays in `sessions`."""
    columns = {name: [session[name] for session in sessions] for name in _ASKED}
    rows = await tx.fetch(
        AT_EXITS,
        columns["car_park"],
        columns["plate"],
        columns["color"],
        tx.now,
        columns["id"],
        columns["reservation"],
    )
    has_plate = {session["id"]: session["plate"] is not None for session in sessions}
    return {
        row["session"]: AtExit(
            standing=_standing(row, has_plate=has_plate[row["session"]]),
            paid=row["paid"],
            paid_at=row["paid_at"],
            promise_charge=row["promise_charge"],
            promise_amount=row["promise_amount"] or 0,
        )
        for row in rows
    }
