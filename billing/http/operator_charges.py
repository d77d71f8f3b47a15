"""`/v1/operator/...`: what is owed at a car park, who stands before its barriers, and objections, which are decided."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from billing.decide_dispute import Decision, decide_dispute
from billing.errors import NothingToRefund, UnknownCarPark, UnknownCharge, UnknownDispute, WrongState
from billing.http.charge_views import ChargeView, ChargeWhole, DisputeView
from billing.http.charge_views import PathCharge as ChargeId
from billing.http.charges import States, whole
from billing.own_place import own_place
from billing.sql import charge_lists as sql
from billing.sql import decisions, disputes
from billing.sql.policies import policy_of
from contracts.audit import RecordAudit
from contracts.ids import Slug
from contracts.vehicles import Vehicle
from kernel.db import Database, Row, Tx
from kernel.http import OPERATE, Caller, Cursor, Limit, Page, below_id, operation, page_by
from kernel.moments import YEAR_MAX, YEAR_MIN, Moment
from kernel.money import Money

PathDispute = Annotated[str, StringConstraints(pattern=r"^dsp_[0-9a-f]{32}$")]
DisputeState = Literal["open", "upheld", "adjusted", "void", "refunded"]
DisputeStates = Annotated[list[DisputeState], Field(description="Only these.")]
Day = Annotated[
    date | None,
    Field(
        ge=date(YEAR_MIN + 1, 1, 1),
        le=date(YEAR_MAX, 12, 31),
        description="Of the car park's own time zone: those that were made on it.",
    ),
]
Reason = Annotated[
    str,
    StringConstraints(min_length=1, max_length=500, strip_whitespace=True, pattern=r"^[^\x00-\x1f\x7f]*$"),
    Field(description="In words for the driver, who is told; stays with the charge and in the audit."),
]


class DecisionIn(BaseModel):
    """What becomes of the charge."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    decision: Decision
    amount: Annotated[int, Field(strict=True, ge=1, le=1_000_000_000)] | None = Field(
        default=None, description="Fen that it costs after all, where it is adjusted."
    )
    reason: Reason

    @model_validator(mode="after")
    def _says_how_much(self) -> Self:
        if (self.amount is not None) != (self.decision is Decision.ADJUST):
            raise PydanticCustomError("amount", "amount is what an adjusted charge costs: only there")
        return self


class OperatorDisputeView(DisputeView):
    """With the charge as it stands."""

    car_park: str
    vehicle: Vehicle | None
    ticket: str | None
    charge_state: str
    charge_amount: Money
    charge_paid: Money
    charge_refunded: Money

    @classmethod
    def beside(cls, row: Row) -> Self:
        vehicle = None
        if row["plate"] is not None and row["color"] is not None:
            vehicle = Vehicle.model_construct(plate=row["plate"], color=row["color"])
        return cls.model_validate(
            {
                **DisputeView.of(row).model_dump(),
                "car_park": row["car_park"],
                "vehicle": vehicle,
                "ticket": row["ticket"],
                "charge_state": row["charge_state"],
                "charge_amount": Money(amount=row["charge_amount"]),
                "charge_paid": Money(amount=row["charge_paid"]),
                "charge_refunded": Money(amount=row["charge_refunded"]),
            }
        )


class WaitingView(BaseModel):
    """A vehicle before a barrier. `charge` null: nobody knows what it costs, staff are needed."""

    model_config = ConfigDict(frozen=True)

    lane: str
    since: Moment
    session: str
    way: str
    plate: str | None
    color: str | None
    ticket: str | None
    charge: str | None
    open: Money | None


class OperatorChargesApi:
    """What operators see of what is owed; every decision is audited."""

    def __init__(self, db: Database, record_audit: RecordAudit) -> None:
        self._db = db
        self._record_audit = record_audit

    @operation(
        get="/v1/operator/car-parks/{car_park}/charges",
        summary="The charges of a car park",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: Page[ChargeView]},
        problems=(UnknownCarPark,),
    )
    async def list(
        self,
        caller: Caller,
        car_park: Slug,
        *,
        state: States = [],  # noqa: B006 - never changed
        day: Day = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[ChargeView]:
        """Newest first."""
        below = below_id(cursor)
        async with self._db.transaction(readonly=True) as tx:
            own = await own_place(tx, caller, car_park)
            during = None if day is None else _whole(day, own["time_zone"])
            rows = await sql.page_of_car_park(tx, car_park, during, below=below, states=state or None, limit=limit + 1)
        return page_by("id", rows, limit, ChargeView.of)

    @operation(
        get="/v1/operator/charges/{charge}",
        summary="A charge with all that proves it",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: ChargeWhole},
        problems=(UnknownCharge,),
    )
    async def one(self, caller: Caller, charge: ChargeId) -> ChargeWhole:
        """As its driver sees it."""
        async with self._db.transaction(readonly=True) as tx:
            row = await sql.read_own(tx, charge, caller)
            if row is None:
                raise UnknownCharge(charge=charge)
            return await whole(tx, row)

    @operation(
        get="/v1/operator/car-parks/{car_park}/waiting",
        summary="Who stands before the barriers",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: Page[WaitingView]},
        problems=(UnknownCarPark,),
    )
    async def waiting(self, caller: Caller, car_park: Slug) -> Page[WaitingView]:
        """Vehicles that have to pay before they leave, or need staff; one a lane, the longest waiting first."""
        async with self._db.transaction(readonly=True) as tx:
            await own_place(tx, caller, car_park)
            policy = await policy_of(tx, car_park)
            rows = await decisions.waiting(tx, car_park, None, tx.now - timedelta(seconds=policy.barrier_wait_s))
        return Page(items=[_waiting(row) for row in rows])

    @operation(
        get="/v1/operator/disputes",
        summary="Objections to charges",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: Page[OperatorDisputeView]},
    )
    async def disputes(
        self,
        caller: Caller,
        state: DisputeStates = [],  # noqa: B006 - never changed
        car_park: Slug | None = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[OperatorDisputeView]:
        """Newest first; `state=open` are those that wait for an answer."""
        below = below_id(cursor)
        async with self._db.transaction(readonly=True) as tx:
            rows = await disputes.page(
                tx, caller, below=below, states=state or None, car_park=car_park, limit=limit + 1
            )
        return page_by("id", rows, limit, OperatorDisputeView.beside)

    @operation(
        post="/v1/operator/disputes/{dispute}/decide",
        summary="Answer an objection",
        tags=("operator",),
        scopes=OPERATE,
        idempotent=True,
        responses={200: DisputeView},
        problems=(UnknownDispute, WrongState, NothingToRefund),
    )
    async def decide(self, tx: Tx, caller: Caller, dispute: PathDispute, wanted: DecisionIn) -> DisputeView:
        """`uphold`: it is owed as it was. `adjust`: it costs `amount`. `void`: it should never have been asked for.
        What was paid beyond that goes back the way it came.
        """
        row = await decide_dispute(tx, caller, dispute, wanted.decision, amount=wanted.amount, reason=wanted.reason)
        await self._record_audit(
            tx,
            actor=caller.principal,
            operator=row["operator"],
            action="dispute.decide",
            subject=f"charge/{row['charge']}",
            detail={"dispute": dispute, "decision": wanted.decision, "amount": wanted.amount, "reason": wanted.reason},
        )
        return DisputeView.of(row)


def _waiting(row: Row) -> WaitingView:
    return WaitingView(
        lane=row["lane"],
        since=row["since"],
        session=row["session"],
        way=row["at_exit"]["way"],
        plate=row["plate"],
        color=row["color"],
        ticket=row["ticket"],
        charge=row["charge"],
        open=None if row["charge"] is None else Money(amount=row["amount"] - row["paid"]),
    )


def _whole(day: date, time_zone: str) -> tuple[datetime, datetime]:
    """From midnight to midnight there."""
    zone = ZoneInfo(time_zone)
    begins = datetime.combine(day, time(), zone)
    return begins.astimezone(UTC), datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)
