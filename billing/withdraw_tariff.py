"""An operator takes back a version that is still to come: nobody was priced by it, and nobody will be."""

from billing.errors import TariffBegun, UnknownTariff
from billing.own_place import own_place
from billing.sql import tariffs as sql
from contracts.audit import RecordAudit
from kernel.callers import Caller
from kernel.db import Tx


async def withdraw_tariff(tx: Tx, caller: Caller, car_park: str, tariff: str, record_audit: RecordAudit) -> None:
    """What is withdrawn already stays so. Raises UnknownCarPark, UnknownTariff, TariffBegun."""
    own = await own_place(tx, caller, car_park)
    row = await sql.one(tx, tariff)
    if row is None or row["car_park"] != car_park:
        raise UnknownTariff(tariff=tariff)
    if row["withdrawn_at"] is not None:
        return
    if not await sql.withdraw(tx, tariff):
        raise TariffBegun(tariff=tariff, valid_from=row["valid_from"].isoformat())
    await record_audit(
        tx,
        actor=caller.principal,
        operator=own["operator"],
        action="tariff.withdraw",
        subject=f"car-park/{car_park}",
        detail={"tariff": tariff, "number": row["number"], "zone": row["zone"]},
    )
