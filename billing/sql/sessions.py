"""Sessions: those of a vehicle locked, begun and moved, as many as a batch needs in one statement each."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from billing.new_session import NewSession
from billing.pairing import Window
from billing.policy import BillingPolicy
from billing.session_lifecycle import State, may_become
from billing.sql.passages import Asked
from billing.sql.policies import merged
from billing.sql.tariffs import VERSION_AT
from kernel.db import Row, Tx


def _of(vehicle: str) -> str:
    return f"""
    SELECT session.* FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[])
        AS asked (car_park, vehicle, since, until)
    CROSS JOIN LATERAL (
        SELECT id FROM billing.session AS known
        WHERE known.car_park = asked.car_park AND known.{vehicle} = asked.vehicle
            AND known.state NOT IN ('corrected', 'matched')
            AND known.entry_at >= coalesce(asked.since, '-infinity')
            AND known.entry_at <= coalesce(asked.until, 'infinity')
        UNION ALL
        SELECT id FROM billing.session AS known
        WHERE known.car_park = asked.car_park AND known.{vehicle} = asked.vehicle
            AND known.state NOT IN ('corrected', 'matched') AND known.entry_at IS NULL
            AND known.exit_at >= coalesce(asked.since, '-infinity')
            AND known.exit_at <= coalesce(asked.until, 'infinity')
    ) AS found
    JOIN billing.session ON session.id = found.id
    ORDER BY session.id FOR NO KEY UPDATE OF session
    """


LOCK_OF_PLATES: Final = _of("plate")
LOCK_OF_TICKETS: Final = _of("plate IS NULL AND known.ticket")


async def lock_in(tx: Tx, asked: Sequence[Asked], windows: Sequence[Window]) -> list[Row]:
    """The sessions that begin, or of which only the end is known, in the windows."""
    rows: list[Row] = []
    both = list(zip(asked, windows, strict=True))
    plates = [(one, window) for one, window in both if one.plate is not None]
    tickets = [(one, window) for one, window in both if one.plate is None]
    for statement, some in ((LOCK_OF_PLATES, plates), (LOCK_OF_TICKETS, tickets)):
        if some:
            rows += await tx.fetch(
                statement,
                [one.car_park for one, _ in some],
                [one.ticket if one.plate is None else one.plate for one, _ in some],
                [min(p.at for p in window.passages) if window.cut_before else None for _, window in some],
                [max(p.at for p in window.passages) if window.cut_after else None for _, window in some],
            )
    return rows


INSERT: Final = f"""
    -- The tariff is the one in force at the entry; it stays.
    INSERT INTO billing.session (
        id, car_park, operator, zone, plate, color, ticket, class, driver, state, reason,
        entry_passage, entry_at, exit_passage, exit_at, tariff, supersedes, created_at, updated_at
    )
    SELECT new.id, new.car_park, coalesce(card.operator, ''), new.zone, new.plate, new.color, new.ticket,
        coalesce(new.class, 'small'), agreement.driver, new.state, new.reason,
        new.entry_passage, new.entry_at, new.exit_passage, new.exit_at, tariff.id, new.supersedes, $2, $2
    FROM jsonb_to_recordset($1) AS new (
        id text, car_park text, zone text, plate text, color text, ticket text, class text, state text,
        reason text, entry_passage text, entry_at timestamptz, exit_passage text, exit_at timestamptz, supersedes text
    )
    LEFT JOIN registry.car_park_card AS card ON card.id = new.car_park
    LEFT JOIN billing.agreement
        ON agreement.plate = new.plate AND agreement.color = new.color
        AND agreement.state NOT IN ('pending', 'ended')
    LEFT JOIN LATERAL (
        {VERSION_AT.replace("$1", "new.car_park").replace("$2", "new.zone").replace("$3", "new.entry_at")}
    ) AS tariff ON true
    RETURNING *
"""


async def insert(tx: Tx, sessions: Iterable[NewSession]) -> list[Row]:
    """As they were begun."""
    return await tx.fetch(INSERT, [one.columns for one in sessions], tx.now)


_MOVED: Final = (
    "state", "reason", "color", "class", "parent", "tariff", "reservation",
    "entry_passage", "entry_at", "exit_passage", "exit_at", "fee", "amount",
)  # fmt: skip
"""What was decided, and for whom, whoever decides writes by himself."""

MOVE: Final = f"""
    UPDATE billing.session SET version = session.version + 1, updated_at = $2,
        {", ".join(f"{name} = moved.{name}" for name in _MOVED)}
    FROM jsonb_to_recordset($1) AS moved (
        id text, version integer, state text, reason text, color text, class text, parent text, tariff text,
        reservation text, entry_passage text, entry_at timestamptz, exit_passage text, exit_at timestamptz,
        fee jsonb, amount bigint
    )
    WHERE session.id = moved.id AND session.version = moved.version
    RETURNING session.*
"""


async def move(tx: Tx, moves: Sequence[tuple[Row, Mapping[str, Any]]]) -> list[Row]:
    """The rows after their moves, in the same order; each is locked, and keeps what is not named."""
    if not moves:
        return []
    for row, changed in moves:
        if not may_become(State(row["state"]), State(changed.get("state", row["state"]))):
            raise RuntimeError(f"{row['id']} is {row['state']} and cannot become {changed['state']}")
    told = [
        {"id": row["id"], "version": row["version"], **{name: row[name] for name in _MOVED}, **changed}
        for row, changed in moves
    ]
    moved = {row["id"]: row for row in await tx.fetch(MOVE, told, tx.now)}
    return [moved[row["id"]] for row, _ in moves]


LOCK: Final = "SELECT * FROM billing.session WHERE id = ANY ($1) ORDER BY id FOR NO KEY UPDATE"


async def lock(tx: Tx, sessions: Sequence[str]) -> list[Row]:
    """Those of `sessions` that exist, locked in the order of their ids."""
    return await tx.fetch(LOCK, list(sessions))


EARLIER: Final = """
    SELECT entry_at, exit_at, amount FROM billing.session
    WHERE car_park = $1 AND zone = $2 AND plate = $3 AND color IS NOT DISTINCT FROM $4
        AND state IN ('rated', 'closed') AND entry_at < $5 AND entry_at >= $6 AND id <> $7
    ORDER BY entry_at
"""


async def earlier_visits(tx: Tx, row: Row, since: datetime) -> list[Row]:
    """What the vehicle of the session was charged there for stays that began from `since` on, before this one."""
    return await tx.fetch(
        EARLIER, row["car_park"], row["zone"], row["plate"], row["color"], row["entry_at"], since, row["id"]
    )


POLICIES: Final = """
    SELECT asked.car_park, city.policy AS city_policy, own.policy AS own_policy
    FROM unnest($1::text[]) AS asked (car_park)
    LEFT JOIN billing.policy AS city ON city.car_park = ''
    LEFT JOIN billing.policy AS own ON own.car_park = asked.car_park
"""


async def policies(tx: Tx, car_parks: Collection[str]) -> dict[str, BillingPolicy]:
    """How each of them bills."""
    return {row["car_park"]: merged(row) for row in await tx.fetch(POLICIES, list(car_parks))}


AROUND: Final = """
    -- `apart`: the time in zones that have prices of their own. `reservation`: the first promise that it took up, by
    -- its entry or later. `asked`: what it cost in the version that it supersedes.
    SELECT session.id, apart.length AS apart, guest.id AS reservation, guest.checked_in_at,
        coalesce(guest.passage = session.entry_passage, false) AS by_entry, older.amount AS asked
    FROM billing.session
    LEFT JOIN billing.session AS older ON older.id = session.supersedes
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(least(inside.exit_at, session.exit_at) - greatest(inside.entry_at, session.entry_at)),
            interval '0') AS length
        FROM billing.session AS inside
        WHERE inside.parent = session.id AND inside.tariff IS NOT NULL AND inside.state IN ('exited', 'rated', 'closed')
            AND inside.exit_at > session.entry_at AND inside.entry_at < session.exit_at
    ) AS apart
    LEFT JOIN LATERAL (
        SELECT * FROM reservation.guest
        WHERE guest.car_park = session.car_park AND guest.plate = session.plate AND session.zone = ''
            AND guest.color = coalesce(session.color, guest.color)
            AND guest.checked_in_at >= session.entry_at AND guest.checked_in_at < session.exit_at
        ORDER BY guest.checked_in_at LIMIT 1
    ) AS guest ON true
    WHERE session.id = ANY ($1)
"""


async def around(tx: Tx, sessions: Collection[str]) -> dict[str, Row]:
    """What else says what these stays, which are over, cost."""
    return {row["id"]: row for row in await tx.fetch(AROUND, list(sessions))}


ADOPT: Final = "UPDATE billing.session SET parent = $2 WHERE parent = $1"


async def adopt(tx: Tx, before: str, after: str) -> None:
    """What lay in one session lies in the one that supersedes it; for itself it stays what it is."""
    await tx.execute(ADOPT, before, after)


LATER: Final = """
    SELECT * FROM billing.session
    WHERE car_park = $1 AND zone = $2 AND plate = $3 AND color IS NOT DISTINCT FROM $4
        AND state IN ('rated', 'closed') AND tariff IS NOT NULL AND entry_at > $5 AND entry_at <= $6
    ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
"""


async def later_priced(tx: Tx, row: Row, until: datetime) -> list[Row]:
    """Stays of the vehicle there that began after this one, until then, and have a price, locked."""
    values = (row["car_park"], row["zone"], row["plate"], row["color"], row["entry_at"], until)
    return await tx.fetch(LATER, *values)


def _not_through(vehicle: str) -> str:
    return f"""
    SELECT * FROM billing.session
    WHERE car_park = $1 AND {vehicle} = $2 AND zone = $3 AND (color = $4 OR color IS NULL OR $4::text IS NULL)
        AND state = 'rated' AND at_exit ->> 'way' = 'pay_at_barrier'
        AND exit_at < $5 AND exit_at > $5::timestamptz - interval '31 days'
    ORDER BY exit_at DESC LIMIT 1 FOR NO KEY UPDATE
    """


NOT_THROUGH_OF_PLATE: Final = _not_through("plate")
NOT_THROUGH_OF_TICKET: Final = _not_through("plate IS NULL AND ticket")


async def not_through(tx: Tx, row: Row) -> Row | None:
    """The stay whose vehicle stood before the barrier and has not paid, locked: the exit in `row`, which no entry
    precedes, is its next attempt.
    """
    statement, vehicle = NOT_THROUGH_OF_PLATE, row["plate"]
    if vehicle is None:
        statement, vehicle = NOT_THROUGH_OF_TICKET, row["ticket"]
    return await tx.fetchrow(statement, row["car_park"], vehicle, row["zone"], row["color"], row["exit_at"])
