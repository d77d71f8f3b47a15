"""The car park that an operator speaks of, when it is one of his."""

from billing.errors import UnknownCarPark, UnknownTariff, UnknownZone
from billing.sql import tariffs as sql
from kernel.callers import Caller
from kernel.db import Row, Tx


async def own_place(tx: Tx, caller: Caller, car_park: str, zone: str = "") -> Row:
    """The car park, which `caller` may manage. Raises UnknownCarPark, UnknownZone."""
    own = await sql.own_car_park(tx, car_park, caller, zone)
    if own is None:
        raise UnknownCarPark(car_park=car_park)
    if not own["has_zone"]:
        raise UnknownZone(car_park=car_park, zone=zone)
    return own


async def own_tariff(tx: Tx, caller: Caller, car_park: str, tariff: str) -> Row:
    """The version, which is of this car park of the operator's. Raises UnknownCarPark, UnknownTariff."""
    await own_place(tx, caller, car_park)
    row = await sql.one(tx, tariff)
    if row is None or row["car_park"] != car_park:
        raise UnknownTariff(tariff=tariff)
    return row
