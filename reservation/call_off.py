"""A car park that closed or is gone keeps no promise: it is cancelled, free of charge, before it would be a no-show.

Of one that is closed only what is due soon is called off: it may open again before the others.
"""

from typing import Final

from kernel.db import Database
from reservation.cancel import cancel_promise
from reservation.sql.shut import at_shut_car_parks

CALL_OFF_S: Final = 5.0
PART_ROWS: Final = 200


async def call_off(database: Database) -> int:
    """One look; how many promises were called off."""
    number = 0
    while True:
        async with database.transaction() as tx:
            found = await at_shut_car_parks(tx, PART_ROWS)
            for reservation, car_park, gone in found:
                why = f"{car_park} is gone" if gone else f"{car_park} is closed"
                cause = "car_park_gone" if gone else "car_park_closed"
                await cancel_promise(tx, reservation, driver=None, cause=cause, reason=why)
            number += len(found)
        if len(found) < PART_ROWS:
            return number
