"""Paying inside, before driving to the exit: the price of a stay that goes on."""

from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from billing.errors import NoPlan, NoTariff, NothingToPay, UnknownCarPark, UnknownSession
from billing.http.charge_views import ChargeView
from billing.own_place import own_place
from billing.price_stay import price_stay
from billing.sql import prepayments as sql
from billing.tariff_shelf import TariffShelf
from billing.whose_vehicle import WITHIN
from contracts.ids import Slug
from contracts.vehicles import Vehicle
from kernel.db import Row, Tx
from kernel.http import OPERATE, Caller, Created, operation
from kernel.moments import Moment
from kernel.rates import Limiter

PAY: Final = frozenset({"reserve"})
Ticket = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]*$")]
PathSession = Annotated[str, StringConstraints(pattern=r"^ses_[0-9a-f]{32}$")]


class StayIn(BaseModel):
    """Which stay: mine by its id; another one by its ticket, or by the vehicle and when it drove in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    session: PathSession | None = None
    car_park: Slug | None = None
    vehicle: Vehicle | None = None
    entered_at: Moment | None = Field(default=None, description="Within ten minutes: it proves that you were there.")
    ticket: Ticket | None = None

    @model_validator(mode="after")
    def _says_which(self) -> Self:
        said = {name for name in type(self).model_fields if getattr(self, name) is not None}
        if said not in ({"session"}, {"car_park", "ticket"}, {"car_park", "vehicle", "entered_at"}):
            raise PydanticCustomError(
                "which", "write session, or car_park and ticket, or car_park, vehicle and entered_at"
            )
        return self


class StayAtMachine(BaseModel):
    """Whoever stands at a pay machine types what is on his plate, or shows his ticket."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    vehicle: Vehicle | None = None
    ticket: Ticket | None = None

    @model_validator(mode="after")
    def _says_which(self) -> Self:
        if (self.vehicle is None) == (self.ticket is None):
            raise PydanticCustomError("which", "write vehicle or ticket, one of the two")
        return self


class PrepaymentsApi:
    """Prices that are charges once somebody takes them up."""

    def __init__(self, shelf: TariffShelf, guesses: Limiter) -> None:
        self._shelf = shelf
        self._guesses = guesses

    @operation(
        post="/v1/prepayments",
        summary="What leaving now costs, to be paid inside",
        tags=("payments",),
        scopes=PAY,
        idempotent=True,
        responses={201: ChargeView},
        problems=(UnknownSession, NothingToPay, NoTariff, NoPlan),
    )
    async def post(self, tx: Tx, caller: Caller, wanted: StayIn) -> Created[ChargeView]:
        """Pay the charge with `POST /v1/payments` until `good_until`; then leave within the exit window. Whoever does
        neither owes nothing by it.
        """
        if wanted.session is not None:
            stay = await sql.of_driver(tx, wanted.session, caller.id)
        else:
            self._guesses.take(caller.principal)
            stay = await self._other(tx, wanted)
        return await self._priced(tx, stay)

    async def _other(self, tx: Tx, wanted: StayIn) -> Row | None:
        car_park = wanted.car_park or ""
        if wanted.ticket is not None:
            return await sql.of_ticket(tx, car_park, wanted.ticket)
        if wanted.vehicle is None:
            return None
        plate, color = wanted.vehicle.plate, wanted.vehicle.color
        return await sql.of_vehicle(tx, car_park, plate, color, entered_at=wanted.entered_at, within=WITHIN)

    @operation(
        post="/v1/operator/car-parks/{car_park}/prepayments",
        summary="The same, for a pay machine",
        tags=("operator",),
        scopes=OPERATE,
        idempotent=True,
        responses={201: ChargeView},
        problems=(UnknownCarPark, UnknownSession, NothingToPay, NoTariff, NoPlan),
    )
    async def at_machine(self, tx: Tx, caller: Caller, car_park: Slug, wanted: StayAtMachine) -> Created[ChargeView]:
        """The machine shows `/pay/{id}` as a code. Taken up there, it opens no barrier: the exit does."""
        await own_place(tx, caller, car_park)
        if wanted.vehicle is None:
            return await self._priced(tx, await sql.of_ticket(tx, car_park, wanted.ticket or ""))
        plate, color = wanted.vehicle.plate, wanted.vehicle.color
        return await self._priced(tx, await sql.of_vehicle(tx, car_park, plate, color, entered_at=None, within=WITHIN))

    async def _priced(self, tx: Tx, stay: Row | None) -> Created[ChargeView]:
        if stay is None:
            raise UnknownSession("nobody saw this vehicle or ticket drive in there then, or it has left")
        row = await price_stay(tx, self._shelf, stay)
        return Created(f"/v1/charges/{row['id']}", ChargeView.of(row))
