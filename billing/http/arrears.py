"""`GET /v1/arrears`: what a vehicle has not paid, over all car parks."""

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from billing.charge_lifecycle import State
from billing.errors import ProofRefused
from billing.http.charge_views import ChargeProven, open_of
from billing.sql import charge_lists as sql
from billing.whose_vehicle import Proof, agreed_since, proven
from contracts.ids import Slug
from contracts.vehicles import Plate, PlateColor, Vehicle
from kernel.access_problems import TooManyRequests
from kernel.db import Database, Row, Tx
from kernel.http import Caller, InvalidParameter, operation
from kernel.moments import Moment
from kernel.money import Money
from kernel.rates import Limiter, Rate

READ: Final = frozenset({"read"})
GUESSES: Final = Rate.of("30/hour")
"""Vehicles that are not one's own, and proofs, that one driver may ask for: enough for a family and a lost ticket, too
few to look for somebody in the city, or for the minute at which he came.
"""

CarPark = Annotated[Slug | None, Field(description="With `entered_at`: where the vehicle drove in lately.")]
EnteredAt = Annotated[Moment | None, Field(description="With `car_park`: when, within ten minutes.")]


class ArrearsView(BaseModel):
    """`POST /v1/payments` with the ids of all `items` pays them at once. To whoever has no agreement for the vehicle
    and proves nothing only the amounts are told.
    """

    model_config = ConfigDict(frozen=True)

    vehicle: Vehicle
    total: Money = Field(description="Of everything, shown or not, that nobody objects to.")
    disputed: Money = Field(description="Of what waits for an operator's answer.")
    items: list[ChargeProven]
    hidden: int = Field(description="Charges that are told only to whoever proves that he drove the vehicle.")


class ArrearsApi:
    """By plate; a plate alone proves nothing."""

    def __init__(self, db: Database, guesses: Limiter) -> None:
        self._db = db
        self._guesses = guesses

    @operation(
        get="/v1/arrears",
        summary="What a vehicle has not paid",
        tags=("payments",),
        scopes=READ,
        responses={200: ArrearsView},
        problems=(ProofRefused, TooManyRequests),
    )
    async def list(
        self,
        caller: Caller,
        plate: Plate,
        color: PlateColor,
        *,
        car_park: CarPark = None,
        entered_at: EnteredAt = None,
    ) -> ArrearsView:
        """Over all car parks, without what a payment channel is still collecting. Of my own vehicle: what was since I
        agreed. Of any other, and of the time before: with proof.
        """
        if (car_park is None) != (entered_at is None):
            raise InvalidParameter.of("query", "entered_at", "goes together with car_park: write both, or neither")
        vehicle = Vehicle.model_construct(plate=plate, color=color)
        proof = None if car_park is None or entered_at is None else Proof(car_park, entered_at)
        async with self._db.transaction(readonly=True) as tx:
            since = await agreed_since(tx, caller.id, vehicle)
            if since is None or proof is not None:
                self._guesses.take(caller.principal)
            if proof is not None:
                await proven(tx, vehicle, proof)
            rows = await sql.arrears(tx, plate, color)
            shown = [
                row
                for row in rows
                if proof is not None or row["driver"] == caller.id or (since is not None and row["begins"] >= since)
            ]
            return await _view(tx, vehicle, rows, shown)


async def _view(tx: Tx, vehicle: Vehicle, rows: list[Row], shown: list[Row]) -> ArrearsView:
    proofs = await sql.evidence(tx, [row["id"] for row in shown])
    return ArrearsView(
        vehicle=vehicle,
        total=Money(amount=sum(open_of(row) for row in rows if row["state"] != State.DISPUTED)),
        disputed=Money(amount=sum(open_of(row) for row in rows if row["state"] == State.DISPUTED)),
        items=[ChargeProven.proven_by(row, proofs[row["id"]]) for row in shown],
        hidden=len(rows) - len(shown),
    )
