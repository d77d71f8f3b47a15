"""What changes in a car park without anybody reporting: it goes stale, opens, closes, is changed in the registry."""

from typing import Final

from contracts.availability import CarParkState
from contracts.ids import CarParkId
from kernel.db import Tx
from occupancy.availability import is_stale
from occupancy.places import KnownPlace
from occupancy.presence import is_gone
from occupancy.record import Recorder
from occupancy.sql import upkeep as sql

COUNTED_AT_ONCE: Final = 10
"""Of those that were never counted: their messages wait for some 15 ms, and a city is through in five minutes."""


class Sweep:
    """Finds the car parks that the clock or the registry changed; remembers the registry it last saw.

    Those it sees for the first time may have changed while nobody looked, so their spaces are counted as well, but some
    at each look: a process that starts has a backlog to take in, which would wait for the counting.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._seen: dict[CarParkId, KnownPlace] = {}
        self._looked: dict[CarParkId, KnownPlace] = {}
        self._uncounted: list[CarParkId] = []
        self._left: list[CarParkId] = []

    async def look(self, tx: Tx) -> tuple[list[CarParkId], set[CarParkId]]:
        """Whom to retell: who went stale or away, opened or closed, or changed; in the second, whose spaces to count.

        Who was never told of is among them: that nothing is known of a car park is public as well.
        """
        places, settings = self._recorder.places, self._recorder.settings
        await places.refresh(tx)
        counted = set(self._uncounted[:COUNTED_AT_ONCE])
        self._left = self._uncounted[COUNTED_AT_ONCE:]
        untold = set(places.ids())
        touched: list[CarParkId] = []
        for row in await sql.brief_standings(tx):
            car_park = CarParkId(row["car_park"])
            if car_park not in places:
                continue
            if row["version"] > 0:
                untold.discard(car_park)
            known = places.of(car_park)
            seen = self._seen.get(car_park)
            if seen is None:
                self._left.append(car_park)
            elif known is not seen:
                counted.add(car_park)
            stale = is_stale(row["as_of"], tx.now, settings)
            closed = known.opening.is_closed(tx.now)
            gone = is_gone(row["noticed_at"], tx.now)
            changed = known is not seen or car_park in counted
            if changed or gone or stale != row["stale"] or closed != (row["state"] == CarParkState.CLOSED):
                touched.append(car_park)
        self._looked = {car_park: places.of(car_park) for car_park in places.ids()}
        return sorted(untold.union(touched)), counted

    def dealt_with(self) -> None:
        """Everyone whom the last look found was retold, and that is committed."""
        self._seen, self._uncounted = self._looked, self._left
