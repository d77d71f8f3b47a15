"""`/v1/agreements`: leave first and pay later, for a vehicle."""

from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from billing.agree import agree
from billing.channels.offered import Channels
from billing.eligibility import AgreementState, Reason, why_not
from billing.end_agreement import end_agreement
from billing.errors import UnknownAgreement, UnknownChannel, VehicleAgreed
from billing.reconsider import reconsider
from billing.sql import agreements as sql
from billing.sql.policies import CITY
from billing.sql.standing import standing
from contracts.orders import GiveOrder
from contracts.vehicles import Vehicle
from kernel.db import Database, Row, Tx
from kernel.http import Caller, Created, Cursor, Limit, NoContent, Page, below_id, operation, page_by
from kernel.moments import Moment
from kernel.money import Money

READ: Final = frozenset({"read"})
PAY: Final = frozenset({"reserve"})
PathAgreement = Annotated[str, StringConstraints(pattern=r"^agr_[0-9a-f]{32}$")]
ChannelName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,32}$")]


class AgreementIn(BaseModel):
    """For which vehicle, and who collects."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    vehicle: Vehicle
    channel: ChannelName | None = Field(default=None, description="Left out: the city's usual one.")
    contract: Annotated[str, StringConstraints(pattern=r"^[!-~]{1,128}$")] | None = Field(
        default=None, description="The channel's own id of the agreement, where it gives one."
    )


class AgreementView(BaseModel):
    """An agreement, and whether it lets the vehicle leave first as things stand."""

    model_config = ConfigDict(frozen=True)

    id: str
    version: int
    state: AgreementState
    vehicle: Vehicle
    channel: str
    contract: str | None
    created_at: Moment
    updated_at: Moment

    @classmethod
    def of(cls, row: Row) -> Self:
        return cls.model_validate(_said(row))


class AgreementNow(AgreementView):
    """With what stands against credit at this moment; a car park's own policy may say more."""

    pays_later: bool
    reasons: list[Reason]
    unpaid: Money | None = Field(
        description="Of earlier stays, over all car parks, and not being collected. Null: the agreement has ended."
    )


def _said(row: Row) -> dict[str, object]:
    vehicle = Vehicle.model_construct(plate=row["plate"], color=row["color"])
    names = ("id", "version", "state", "channel", "contract", "created_at", "updated_at")
    return {**{name: row[name] for name in names}, "vehicle": vehicle}


class AgreementsApi:
    """A driver's own agreements."""

    def __init__(self, db: Database, channels: Channels, give_order: GiveOrder) -> None:
        self._db = db
        self._give_order = give_order
        self._channels = channels

    @operation(
        post="/v1/agreements",
        summary="Leave first, pay later",
        tags=("payments",),
        scopes=PAY,
        idempotent=True,
        responses={201: AgreementNow},
        problems=(VehicleAgreed, UnknownChannel),
    )
    async def post(self, tx: Tx, caller: Caller, wanted: AgreementIn) -> Created[AgreementNow]:
        """What the vehicle owes when it has left is collected by the channel, once this has confirmed that it is yours
        (`pending` until then). At each exit it is looked at anew whether you may leave first.
        """
        channel = self._channels.chosen(wanted.channel)
        row = await agree(
            tx,
            caller.id,
            wanted.vehicle,
            channel=channel.name,
            contract=wanted.contract,
            is_confirmed=channel is self._channels.sandbox,
        )
        await reconsider(tx, self._give_order, plate=row["plate"], color=row["color"])
        return Created(f"/v1/agreements/{row['id']}", await _now(tx, row))

    @operation(
        get="/v1/agreements",
        summary="My agreements",
        tags=("payments",),
        scopes=READ,
        responses={200: Page[AgreementView]},
    )
    async def list(self, caller: Caller, limit: Limit = 50, cursor: Cursor = None) -> Page[AgreementView]:
        """Newest first, those that have ended among them."""
        below = below_id(cursor)
        async with self._db.transaction(readonly=True) as tx:
            rows = await sql.page(tx, caller.id, below=below, limit=limit + 1)
        return page_by("id", rows, limit, AgreementView.of)

    @operation(
        get="/v1/agreements/{agreement}",
        summary="One agreement",
        tags=("payments",),
        scopes=READ,
        responses={200: AgreementNow},
        problems=(UnknownAgreement,),
    )
    async def one(self, caller: Caller, agreement: PathAgreement) -> AgreementNow:
        """And what stands against credit now: derived each time, it goes away with its cause."""
        async with self._db.transaction(readonly=True) as tx:
            row = await sql.read(tx, agreement, driver=caller.id)
            if row is None:
                raise UnknownAgreement(agreement=agreement)
            return await _now(tx, row)

    @operation(
        delete="/v1/agreements/{agreement}",
        summary="End an agreement",
        tags=("payments",),
        scopes=PAY,
        responses={204: None},
        problems=(UnknownAgreement,),
    )
    async def delete(self, caller: Caller, agreement: PathAgreement) -> NoContent:
        """From then on the vehicle pays at the barrier. What it owes stays owed."""
        async with self._db.transaction() as tx:
            await end_agreement(tx, agreement, driver=caller.id)
        return NoContent()


async def _now(tx: Tx, row: Row) -> AgreementNow:
    stands = await standing(tx, CITY, plate=row["plate"], color=row["color"])
    is_over = row["state"] == AgreementState.ENDED  # and whoever has the vehicle now is no concern of its driver
    reasons = [Reason.NO_AGREEMENT] if is_over else list(why_not(stands.policy, stands.known))
    unpaid = None if is_over else Money(amount=stands.known.amount_unpaid)
    return AgreementNow.model_validate({**_said(row), "pays_later": not reasons, "reasons": reasons, "unpaid": unpaid})
