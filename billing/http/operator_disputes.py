"""`/v1/operator/disputes`: objections to charges, and their answers."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from billing.decide_dispute import Decision, decide_dispute
from billing.errors import NothingToRefund, UnknownDispute, WrongState
from billing.http.charge_views import DisputeView
from billing.sql import disputes
from contracts.audit import RecordAudit
from contracts.ids import Slug
from contracts.vehicles import Vehicle
from kernel.db import Database, Row, Tx
from kernel.http import OPERATE, Caller, Cursor, Limit, Page, below_id, operation, page_by
from kernel.money import Money

PathDispute = Annotated[str, StringConstraints(pattern=r"^dsp_[0-9a-f]{32}$")]
DisputeState = Literal["open", "upheld", "adjusted", "void", "refunded"]
DisputeStates = Annotated[list[DisputeState], Field(description="Only these.")]
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


class OperatorDisputesApi:
    """What drivers object to; every answer is audited."""

    def __init__(self, db: Database, record_audit: RecordAudit) -> None:
        self._db = db
        self._record_audit = record_audit

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
