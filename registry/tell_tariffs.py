"""Billing says what car parks charge: shown with those whose operators say nothing of it themselves."""

from collections.abc import Mapping

from contracts.ids import CarParkId
from kernel.db import Tx
from registry.sql import audit, car_parks


async def tell_tariffs(tx: Tx, told: Mapping[CarParkId, Mapping[str, str] | None]) -> None:
    """The verb behind `contracts.tariffs.TellTariffs`."""
    if await car_parks.tell_tariffs(tx, told):
        await audit.bump_revision(tx)
