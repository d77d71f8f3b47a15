"""Where a permit or coupon is to be good: car parks of one operator, each with a tariff that knows its concession."""

from collections.abc import Collection, Sequence

from billing.errors import NoSuchConcession, UnknownCarPark
from billing.sql import concessions as sql
from kernel.callers import Caller
from kernel.db import Tx
from kernel.edge_problems import MalformedBody


async def operator_of(tx: Tx, caller: Caller, car_parks: Sequence[str]) -> str:
    """Whose they all are. Raises UnknownCarPark, MalformedBody."""
    rows = await sql.own_car_parks(tx, car_parks, caller)
    if unknown := sorted({*car_parks} - {row["id"] for row in rows}):
        raise UnknownCarPark(car_park=unknown[0])
    operators = sorted({row["operator"] for row in rows})
    if len(operators) > 1:
        raise MalformedBody.of("car_parks", f"these belong to {' and '.join(operators)}: issue one for each operator")
    operator: str = operators[0]
    return operator


async def check_concession(tx: Tx, car_parks: Sequence[str], concession: str, kinds: Collection[str]) -> None:
    """That a tariff of each of them knows it, as one of `kinds`. Raises NoSuchConcession."""
    named = await sql.named_by_tariffs(tx, car_parks)
    for car_park in car_parks:
        known = sorted(row["concession"] for row in named if row["car_park"] == car_park and row["kind"] in kinds)
        if concession not in known:
            detail = f"no tariff of {car_park} names a {' or '.join(sorted(kinds))} “{concession}”"
            raise NoSuchConcession(detail, car_park=car_park, concessions=known)
