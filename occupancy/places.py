"""The registry as occupancy needs it: a copy in memory that is read again car park by car park when one changes."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from msgspec import Struct

from contracts.ids import CarParkId
from kernel.db import Tx
from kernel.parts import in_parts
from occupancy import sql
from occupancy.opening import Opening
from occupancy.sources import Place, ZonePlace

CARDS_A_READ_MAX = 500
"""A first read of a city fetches this many car parks at a time: the spaces are counted on the way."""


class KnownPlace(Struct, frozen=True):
    """A car park for the truth (`place`) and its hours."""

    place: Place
    opening: Opening


NOWHERE = KnownPlace(Place(), Opening(closed=False, opening_hours=None, time_zone="UTC"))
"""Stands in for a car park that was taken out of the registry while its facts were under way."""


class Places:
    """All car parks of the registry, as of `refresh`."""

    def __init__(self) -> None:
        self._revision: object = None
        self._revisions: dict[CarParkId, str] = {}
        self._known: dict[CarParkId, KnownPlace] = {}

    def of(self, car_park: CarParkId) -> KnownPlace:
        return self._known.get(car_park, NOWHERE)

    def __contains__(self, car_park: CarParkId) -> bool:
        return car_park in self._known

    def ids(self) -> Iterable[CarParkId]:
        return self._known.keys()

    async def refresh(self, tx: Tx, revision: object = None) -> set[CarParkId]:
        """Read what changed in the registry since the last time; the ids of what changed or went.

        `revision` is what the registry's is in this transaction, where that is known already.
        """
        if revision is None:
            revision = await sql.registry_revision(tx)
        if revision == self._revision:
            return set()
        now = await sql.car_park_revisions(tx)
        changed = sorted(car_park for car_park, known in now.items() if self._revisions.get(car_park) != known)
        gone = self._revisions.keys() - now.keys()
        for some in in_parts(changed, CARDS_A_READ_MAX):
            await self._read(tx, some)
        for car_park in gone:
            self._known.pop(car_park, None)
        self._revisions = now
        self._revision = revision
        return {*changed, *gone}

    async def _read(self, tx: Tx, car_parks: Sequence[CarParkId]) -> None:
        zones: dict[CarParkId, dict[str, ZonePlace]] = defaultdict(dict)
        for row in await sql.zone_places(tx, car_parks):
            zones[row["car_park"]][row["label"]] = ZonePlace(row["capacity"], row["numbered"])
        for row in await sql.place_rows(tx, car_parks):
            car_park = CarParkId(row["id"])
            self._known[car_park] = KnownPlace(
                Place(row["capacity"], row["numbered_spaces"], row["measured_by"], zones.get(car_park, {})),
                Opening(closed=row["closed"], opening_hours=row["opening_hours"], time_zone=row["time_zone"]),
            )
