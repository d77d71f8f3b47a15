"""Register the car parks of a recording that the service does not know yet."""

from collections.abc import Mapping
from functools import partial
from typing import Final

from contracts.ids import CarParkId
from simulators.clock import Clock
from simulators.operator_api import OperatorApi, patiently
from simulators.places import places_of
from simulators.recording import Recording

_KIND: Final = "recorded"


async def create_missing(
    api: OperatorApi, recording: Recording, operator: str, clock: Clock
) -> tuple[Mapping[CarParkId, str], int]:
    """Whose each car park is, after creating those that are missing, and how many that were."""
    owners: dict[CarParkId, str] = {}
    created = 0
    for series, (place, known) in zip(recording.series, places_of(recording), strict=True):
        owner = await patiently(partial(api.operator_of, series.id), clock)
        if owner is None:
            owner = operator
            created += 1
            wanted = {
                "operator": operator,
                "name": series.title,
                "position": {"lat": place[0], "lon": place[1]},
                "capacity": max(series.capacity, 0),
                "kind": _KIND,
                "time_zone": recording.time_zone,
                "measured_by": "counts",
                "address": None if known else f"{recording.path.name[:100]}: position not recorded",
            }
            await patiently(partial(api.put_car_park, series.id, wanted), clock)
        owners[series.id] = owner
    return owners, created
