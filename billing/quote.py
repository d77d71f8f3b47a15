"""What a stay would cost: by the version that is in force when it begins."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from billing.errors import NoPlan, NoSuchConcession, NoTariff, UnknownCarPark
from billing.sql import tariffs as sql
from billing.tariff_shelf import TariffShelf
from billing.tariffs.concession import Held
from billing.tariffs.fee import Fee, NoPlanFits, Vehicle
from billing.tariffs.rate import rate
from billing.tariffs.tariff import TariffVersion
from kernel.db import Tx


class Stay(Struct, frozen=True, kw_only=True):
    """What is asked about. `zone` "" is the car park; one without prices of its own costs what the car park does."""

    car_park: str
    begins: datetime
    until: datetime
    zone: str = ""
    vehicle: Vehicle = Vehicle()


class Quote(Struct, frozen=True, kw_only=True):
    """`rises_to` is the total from `fee.rises_at` on."""

    tariff: str
    zone: str
    fee: Fee
    rises_to: int | None


async def quote(tx: Tx, shelf: TariffShelf, stay: Stay, held: Sequence[Held]) -> Quote:
    """Raises UnknownCarPark, NoTariff, NoPlan, NoSuchConcession, StayImpossible."""
    if await sql.known_car_park(tx, stay.car_park) is None:
        raise UnknownCarPark(car_park=stay.car_park)
    zones = dict.fromkeys((stay.zone, ""))
    for zone in zones:
        standing = await shelf.version_at(tx, stay.car_park, zone, stay.begins)
        if standing is not None:
            tariff, version = standing
            fee = _rated(version, stay, stay.until, held)
            later = None if fee.rises_at is None else _rated(version, stay, fee.rises_at, held).total
            return Quote(tariff=tariff, zone=zone, fee=fee, rises_to=later)
    raise NoTariff(car_park=stay.car_park)


def _rated(version: TariffVersion, stay: Stay, until: datetime, held: Sequence[Held]) -> Fee:
    known = {one.id for one in version.concessions}
    if unknown := [one.concession for one in held if one.concession not in known]:
        raise NoSuchConcession(car_park=stay.car_park, unknown=unknown, concessions=sorted(known))
    try:
        return rate(version, stay.begins, until, vehicle=stay.vehicle, held=held)
    except NoPlanFits as none:
        raise NoPlan(car_park=stay.car_park, classes=_classes(version)) from none


def _classes(version: TariffVersion) -> list[str] | None:
    """Those that it has prices for; None: there is one for all."""
    named = [plan.when.classes for plan in version.plans]
    return None if None in named else sorted({one for classes in named for one in classes or ()})
