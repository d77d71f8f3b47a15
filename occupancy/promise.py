"""What is promised changes what is free: reservation says how many, the car parks' rows take it over and tell it."""

from collections.abc import Mapping

from contracts.availability import Availability
from contracts.ids import CarParkId
from kernel.db import Tx
from occupancy.record import Recorder
from occupancy.sql import standings as sql


async def set_promised(tx: Tx, recorder: Recorder, promised: Mapping[CarParkId, int]) -> list[Availability]:
    """Take `promised` over; what is to be published of it."""
    known = sorted(car_park for car_park in promised if car_park in recorder.places)
    standings = await sql.lock_standings(tx, known)
    before = {car_park: standing.told for car_park, standing in standings.items()}
    for car_park, standing in standings.items():
        standing.promised = promised[car_park]
    await sql.put_promised(tx, {car_park: promised[car_park] for car_park in known})
    return await recorder.conclude(tx, standings, before)
