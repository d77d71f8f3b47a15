"""Statements on the last uplinks of each device."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from gateway.heard import Heard
from kernel.db import Tx

# The same uplink again keeps the time that was told first; another one takes the slot. $8 is how far copies lie apart.
# Told under another name after another one of its session, it is a counter that began again and no copy.
CLAIM_UPLINKS = """
INSERT INTO gateway.uplink AS kept (device, slot, session, counter, frame, at, hearings, delivery)
SELECT * FROM unnest($1::text[], $2::smallint[], $3::text[], $4::bigint[], $5::bytea[], $6::timestamptz[],
                     $7::integer[], $9::text[])
ON CONFLICT ON CONSTRAINT uplink_key DO UPDATE
SET (session, counter, frame, at, hearings, delivery) = (
    SELECT EXCLUDED.session, EXCLUDED.counter, EXCLUDED.frame, CASE WHEN same THEN kept.at ELSE EXCLUDED.at END,
           CASE WHEN same THEN kept.hearings ELSE 0 END + EXCLUDED.hearings,
           CASE WHEN same THEN kept.delivery ELSE EXCLUDED.delivery END
    FROM (SELECT (kept.session, kept.counter, kept.frame) = (EXCLUDED.session, EXCLUDED.counter, EXCLUDED.frame)
                 AND kept.at BETWEEN EXCLUDED.at - $8::interval AND EXCLUDED.at + $8::interval
                 AND NOT (EXCLUDED.delivery NOT IN ('', kept.delivery)
                          AND EXISTS (SELECT FROM gateway.uplink AS other
                                      WHERE other.device = kept.device AND other.session = kept.session
                                        AND other.counter <> kept.counter
                                        AND other.at BETWEEN kept.at AND EXCLUDED.at))) AS compared (same))
RETURNING device, slot, at, hearings
"""


async def claim_uplinks(
    tx: Tx, uplinks: Sequence[tuple[Heard, int]], *, copies_within: timedelta
) -> dict[tuple[str, int], tuple[datetime, int]]:
    """Remember `uplinks` with how often each came just now, no two of one device and slot; in the order of their keys.

    By device and slot, the time that was told first and how often it has come by now.
    """
    rows = await tx.fetch(
        CLAIM_UPLINKS,
        [heard.fact.device for heard, _ in uplinks],
        [heard.slot for heard, _ in uplinks],
        [heard.session for heard, _ in uplinks],
        [heard.counter for heard, _ in uplinks],
        [heard.frame for heard, _ in uplinks],
        [heard.told_at for heard, _ in uplinks],
        [hearings for _, hearings in uplinks],
        copies_within,
        [heard.delivery for heard, _ in uplinks],
    )
    return {(row["device"], row["slot"]): (row["at"], row["hearings"]) for row in rows}
