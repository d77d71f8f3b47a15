"""Take a car park out of the city for good: it vanishes from every list, its history and its spaces' numbers stay."""

from contracts.ids import CarParkId
from kernel.callers import Caller
from kernel.db import Tx
from registry.access import own_car_park
from registry.sql import audit, car_parks, devices, parts


async def retire_car_park(tx: Tx, caller: Caller, car_park: CarParkId) -> None:
    """Retire it with its spaces; its zones, lanes and devices are forgotten. Raises UnknownCarPark."""
    row = await own_car_park(tx, caller, car_park, lock=True)
    spaces = await parts.find_spaces(tx, car_park)
    await devices.delete_devices_of(tx, car_park)
    await parts.retire_spaces(tx, car_park, {space.label for space in spaces})
    await parts.delete_lanes(tx, car_park, {lane.label for lane in await parts.find_lanes(tx, car_park)})
    await parts.delete_zones(tx, car_park, {zone.label for zone in await parts.find_zones(tx, car_park)})
    await car_parks.retire_car_park(tx, car_park)
    await audit.record(
        tx,
        actor=caller.principal,
        operator=row["operator"],
        action="car_park.retire",
        subject=f"car-park/{car_park}",
        detail={"spaces": len(spaces)},
    )
    await audit.bump_revision(tx)
