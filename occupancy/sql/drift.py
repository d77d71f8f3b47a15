"""What nights showed of counters and lanes, what was proposed, and which corrections are in force."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from contracts.ids import CarParkId
from kernel.db import Row, Tx
from occupancy.drift import Counter, Drift, Night

CORRECTIONS = """
SELECT car_park, measure, zone, effective_from, correction FROM occupancy.drift_proposal
WHERE state = 'applied' AND car_park = ANY($1::text[])
"""

_ADDED_TO_COUNT: Final = """
(SELECT coalesce(sum(applied.correction), 0)::int FROM occupancy.drift_proposal AS applied
 WHERE applied.state = 'applied' AND applied.car_park = place.id AND applied.measure = 'counts'
     AND applied.zone = counter.zone AND applied.effective_from <= counter.at)"""

_ADDED_TO_LANES: Final = """
(SELECT coalesce(sum(applied.correction), 0)::int FROM occupancy.drift_proposal AS applied
 WHERE applied.state = 'applied' AND applied.car_park = place.id AND CASE applied.measure
     WHEN 'passages' THEN standing.passages_base_at IS NULL OR applied.effective_from > standing.passages_base_at
     ELSE applied.zone = '' AND applied.effective_from <= standing.passages_base_at END)"""
"""As `occupancy.fusion.lanes_sum` adds them: to the count that the sum begins with, and to the lanes after it."""

_SENSED: Final = """
(SELECT CASE WHEN count(told.space) FILTER (WHERE told.state <> 'unknown') >= $2::float8 * count(*)
            THEN count(*) FILTER (WHERE told.state = 'occupied') END
 FROM registry.space_directory AS space LEFT JOIN occupancy.space_now AS told ON told.space = space.number
 WHERE space.car_park = place.id {zone}
 HAVING count(*) > 0 AND count(*) >= $2::float8 * {capacity})"""

_KEEP: Final = """
ON CONFLICT (car_park, measure, zone, night) DO UPDATE SET
    at = CASE WHEN excluded.counted < kept.counted THEN excluded.at ELSE kept.at END,
    counted = least(excluded.counted, kept.counted),
    sensed = CASE WHEN excluded.counted < kept.counted THEN excluded.sensed ELSE kept.sensed END,
    capacity = excluded.capacity,
    entered = CASE WHEN excluded.counted < kept.counted THEN excluded.entered ELSE kept.entered END,
    left_ = CASE WHEN excluded.counted < kept.counted THEN excluded.left_ ELSE kept.left_ END
"""

LOOK_AT_COUNTS = f"""
INSERT INTO occupancy.drift_night AS kept
    (car_park, measure, zone, night, at, counted, sensed, capacity, entered, left_)
SELECT place.id, 'counts', counter.zone, ($1::timestamptz AT TIME ZONE place.time_zone)::date, counter.at,
       counter.occupied + {_ADDED_TO_COUNT},
       CASE WHEN counter.zone = '' THEN {_SENSED.format(zone="", capacity="place.capacity")}
            ELSE {_SENSED.format(zone="AND space.zone = counter.zone", capacity="greatest(counter.capacity, 1)")} END,
       greatest(counter.capacity, 0), totals.entered, totals.left_
FROM occupancy.count_state AS counter
JOIN registry.car_park_card AS place ON place.id = counter.car_park
LEFT JOIN LATERAL (
    SELECT word.entered, word.left_ FROM occupancy.count_event AS word
    WHERE word.car_park = counter.car_park AND word.zone = counter.zone AND word.at = counter.at
        AND word.epoch = counter.epoch AND word.seq = counter.seq LIMIT 1) AS totals ON true
WHERE extract(hour FROM $1::timestamptz AT TIME ZONE place.time_zone) BETWEEN $3 AND $4 - 1
    AND counter.at > $1::timestamptz - interval '1 day'
{_KEEP}
"""

LOOK_AT_LANES = f"""
INSERT INTO occupancy.drift_night AS kept
    (car_park, measure, zone, night, at, counted, sensed, capacity)
SELECT place.id, 'passages', '', ($1::timestamptz AT TIME ZONE place.time_zone)::date, standing.passages_at,
       standing.passages_base + standing.passages_net + {_ADDED_TO_LANES},
       {_SENSED.format(zone="", capacity="place.capacity")}, place.capacity
FROM occupancy.car_park_state AS standing
JOIN registry.car_park_card AS place ON place.id = standing.car_park
WHERE extract(hour FROM $1::timestamptz AT TIME ZONE place.time_zone) BETWEEN $3 AND $4 - 1
    AND standing.passages_at > $1::timestamptz - interval '1 day'
    AND (standing.passages_base_at IS NULL OR standing.passages_base_at < $1::timestamptz - interval '1 day')
{_KEEP}
"""
"""Lanes that are counted on from a count of today have nothing to prove."""

NIGHTS = """
SELECT night.car_park, night.measure, night.zone, night.night, night.at, night.counted, night.capacity, night.sensed,
       night.entered, night.left_
FROM occupancy.drift_night AS night JOIN registry.car_park_card AS place ON place.id = night.car_park
WHERE extract(hour FROM $1::timestamptz AT TIME ZONE place.time_zone) = $2
    AND night.at > $1::timestamptz - make_interval(days => $3)
    AND night.at > coalesce((
        SELECT max(greatest(decided.decided_at, decided.undone_at)) FROM occupancy.drift_proposal AS decided
        WHERE decided.car_park = night.car_park AND decided.measure = night.measure AND decided.zone = night.zone),
        '-infinity')
ORDER BY night.car_park, night.measure, night.zone, night.night
"""
"""Of the car parks whose night is over; only those since the last decision, which changed what is counted."""

OPEN = """
SELECT id, correction, basis FROM occupancy.drift_proposal
WHERE car_park = $1 AND measure = $2 AND zone = $3 AND state = 'proposed'
"""

SUPERSEDE = "UPDATE occupancy.drift_proposal SET state = 'superseded' WHERE id = $1 AND state = 'proposed'"

PROPOSE = """
INSERT INTO occupancy.drift_proposal (id, car_park, measure, zone, correction, basis, evidence, state, proposed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, 'proposed', $8)
"""

_COLUMNS = """id, car_park, measure, zone, correction, basis, evidence, state, proposed_at, decided_at, decided_by,
       reason, effective_from, undone_at, undone_by, undone_reason"""

PAGE = f"""
SELECT {_COLUMNS} FROM occupancy.drift_proposal
WHERE car_park = $1 AND ($2::text IS NULL OR state = $2) AND id < $3 ORDER BY id DESC LIMIT $4
"""

STATE = "SELECT state FROM occupancy.drift_proposal WHERE car_park = $1 AND id = $2"

APPLY = f"""
UPDATE occupancy.drift_proposal SET state = 'applied', decided_at = $3, decided_by = $4, reason = $5,
    effective_from = coalesce(CASE measure
        WHEN 'counts' THEN (SELECT at FROM occupancy.count_state AS counter
                            WHERE counter.car_park = drift_proposal.car_park AND counter.zone = drift_proposal.zone)
        ELSE (SELECT passages_at FROM occupancy.car_park_state AS standing
              WHERE standing.car_park = drift_proposal.car_park) END, $3)
WHERE car_park = $1 AND id = $2 AND state = 'proposed' RETURNING {_COLUMNS}
"""
"""Effective from the newest word on, so that what is told changes now."""

DISMISS = f"""
UPDATE occupancy.drift_proposal SET state = 'dismissed', decided_at = $3, decided_by = $4, reason = $5
WHERE car_park = $1 AND id = $2 AND state = 'proposed' RETURNING {_COLUMNS}
"""

UNDO = f"""
UPDATE occupancy.drift_proposal SET state = 'undone', undone_at = $3, undone_by = $4, undone_reason = $5
WHERE car_park = $1 AND id = $2 AND state = 'applied' RETURNING {_COLUMNS}
"""

FORGET_NIGHTS = "DELETE FROM occupancy.drift_night WHERE at < $1::timestamptz - make_interval(days => $2)"


async def corrections_of(
    tx: Tx, car_parks: Sequence[CarParkId]
) -> dict[CarParkId, dict[tuple[str, str], list[tuple[datetime, int]]]]:
    """What operators applied, by car park: see `occupancy.sources.Corrections`."""
    found: dict[CarParkId, dict[tuple[str, str], list[tuple[datetime, int]]]] = {}
    for car_park, measure, zone, since, cars in await tx.fetch(CORRECTIONS, car_parks):
        found.setdefault(car_park, defaultdict(list))[measure, zone].append((since, cars))
    return found


async def look_at_night(tx: Tx, *, known_share_min: float, hours: tuple[int, int]) -> int:
    """One look at the counters and lanes of the car parks in which it is night; how many."""
    looked = await tx.execute(LOOK_AT_COUNTS, tx.now, known_share_min, *hours)
    return looked + await tx.execute(LOOK_AT_LANES, tx.now, known_share_min, *hours)


async def nights_over(tx: Tx, *, hour: int, days: int) -> dict[Counter, list[Night]]:
    """The nights of every counter in whose car park it is `hour` o'clock, since it was last decided about."""
    found: dict[Counter, list[Night]] = {}
    for row in await tx.fetch(NIGHTS, tx.now, hour, days):
        counter = Counter(CarParkId(row["car_park"]), row["measure"], row["zone"])
        night = Night(
            row["night"], row["at"], row["counted"], row["capacity"], row["sensed"], row["entered"], row["left_"]
        )
        found.setdefault(counter, []).append(night)
    return found


async def open_proposal(tx: Tx, counter: Counter) -> Row | None:
    return await tx.fetchrow(OPEN, counter.car_park, counter.measure, counter.zone)


async def supersede(tx: Tx, proposal: str) -> bool:
    """Whether nobody had decided it meanwhile."""
    return bool(await tx.execute(SUPERSEDE, proposal))


async def insert_proposal(tx: Tx, proposal: str, counter: Counter, drift: Drift, evidence: dict[str, Any]) -> None:
    await tx.execute(
        PROPOSE,
        proposal,
        counter.car_park,
        counter.measure,
        counter.zone,
        drift.correction,
        drift.basis,
        evidence,
        tx.now,
    )


async def proposals(tx: Tx, car_park: CarParkId, *, state: str | None, below: str, limit: int) -> list[Row]:
    return await tx.fetch(PAGE, car_park, state, below, limit)


async def state_of(tx: Tx, car_park: CarParkId, proposal: str) -> str | None:
    """None when there is no such proposal."""
    state: str | None = await tx.fetchval(STATE, car_park, proposal)
    return state


async def apply(tx: Tx, car_park: CarParkId, proposal: str, by: str, reason: str) -> Row | None:
    """The proposal as it is then; None when it is not `proposed`, as for `dismiss`, or for `undo` not `applied`."""
    return await tx.fetchrow(APPLY, car_park, proposal, tx.now, by, reason)


async def dismiss(tx: Tx, car_park: CarParkId, proposal: str, by: str, reason: str) -> Row | None:
    return await tx.fetchrow(DISMISS, car_park, proposal, tx.now, by, reason)


async def undo(tx: Tx, car_park: CarParkId, proposal: str, by: str, reason: str) -> Row | None:
    return await tx.fetchrow(UNDO, car_park, proposal, tx.now, by, reason)


async def forget_nights(tx: Tx, days: int) -> None:
    await tx.execute(FORGET_NIGHTS, tx.now, days)
