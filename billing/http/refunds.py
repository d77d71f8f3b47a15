"""`/v1/refunds`: an operator gives money back; the driver sees it as well."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from billing.errors import NothingToRefund, UnknownCharge, UnknownRefund
from billing.http.payments import READ, ChargeId, Limit
from billing.payment_lifecycle import RefundState
from billing.sql import payment_lists
from billing.sql import refunds as sql
from billing.start_refund import start_refund
from contracts.audit import RecordAudit
from kernel.db import Database, Row, Tx
from kernel.http import OPERATE, Caller, Created, Cursor, Page, below_id, operation, page_by
from kernel.moments import Moment
from kernel.money import Money

PathRefund = Annotated[str, StringConstraints(pattern=r"^rfd_[0-9a-f]{32}$")]
Fen = Annotated[int, Field(strict=True, ge=1, le=1_000_000_000)]
Reason = Annotated[
    str,
    StringConstraints(min_length=1, max_length=80, strip_whitespace=True, pattern=r"^[^\x00-\x1f\x7f]*$"),
    Field(description="In words for the driver, who reads them in the channel's app."),
]
States = Annotated[list[RefundState], Field(description="Only these.")]


class RefundIn(BaseModel):
    """Give back what was paid for a charge."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    charge: ChargeId
    amount: Money | None = Field(default=None, description="Null: all that is left of it.")
    reason: Reason


class RefundView(BaseModel):
    """Money that goes back by the way it came. `charge` null: it was paid too much, and goes back by itself."""

    model_config = ConfigDict(frozen=True)

    id: str
    state: RefundState
    payment: str
    charge: str | None
    channel: str
    amount: Money
    reason: str
    error: str | None
    created_at: Moment
    updated_at: Moment

    @classmethod
    def of(cls, row: Row) -> Self:
        return cls(
            id=row["id"],
            state=RefundState(row["state"]),
            payment=row["payment"],
            charge=row["charge"],
            channel=row["channel"],
            amount=Money(amount=row["amount"]),
            reason=row["reason"],
            error=row["error"],
            created_at=row["created_at"],
            updated_at=row["updated_at"],
        )


class RefundsApi:
    """Operators give back, drivers look."""

    def __init__(self, db: Database, record_audit: RecordAudit) -> None:
        self._db = db
        self._record_audit = record_audit

    @operation(
        post="/v1/refunds",
        summary="Give money back",
        tags=("payments", "operator"),
        scopes=OPERATE,
        idempotent=True,
        responses={201: RefundView},
        problems=(UnknownCharge, NothingToRefund),
    )
    async def post(self, tx: Tx, caller: Caller, wanted: RefundIn) -> Created[RefundView]:
        """Never more than was paid, however many are asked for at once. The charge follows when the channel has done
        it; the operator, owner and platform bear it in the ratio in which they had their parts.
        """
        owner = await payment_lists.operator_of(tx, wanted.charge)
        if owner is None or not caller.may_manage(owner["operator"]):
            raise UnknownCharge(charge=wanted.charge)
        amount = None if wanted.amount is None else wanted.amount.amount
        if amount is not None and amount <= 0:
            raise NothingToRefund("an amount above zero is given back", charge=wanted.charge)
        row = await start_refund(tx, wanted.charge, amount, reason=wanted.reason, actor=caller.principal)
        await self._record_audit(
            tx,
            actor=caller.principal,
            operator=owner["operator"],
            action="refund.start",
            subject=f"charge/{wanted.charge}",
            detail={"refund": row["id"], "amount": row["amount"], "reason": wanted.reason},
        )
        seen = await sql.seen(tx, row["id"], caller.covered, None)
        if seen is None:
            raise UnknownRefund(refund=row["id"])
        return Created(f"/v1/refunds/{row['id']}", RefundView.of(seen))

    @operation(
        get="/v1/refunds",
        summary="Refunds",
        tags=("payments", "operator"),
        scopes=READ,
        responses={200: Page[RefundView]},
    )
    async def list(
        self,
        caller: Caller,
        *,
        charge: ChargeId | None = None,
        state: States = [],  # noqa: B006 - never changed
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[RefundView]:
        """Newest first: a driver's own, or an operator's."""
        async with self._db.transaction(readonly=True) as tx:
            rows = await sql.page(
                tx,
                covered=caller.covered,
                driver=_driver(caller),
                charge=charge,
                states=[*state] or None,
                below=below_id(cursor),
                limit=limit + 1,
            )
            return page_by("id", rows, limit, RefundView.of)

    @operation(
        get="/v1/refunds/{refund}",
        summary="One refund",
        tags=("payments", "operator"),
        scopes=READ,
        responses={200: RefundView},
        problems=(UnknownRefund,),
    )
    async def one(self, caller: Caller, refund: PathRefund) -> RefundView:
        """For the driver whose payment it was, and for the operator."""
        async with self._db.transaction(readonly=True) as tx:
            row = await sql.seen(tx, refund, caller.covered, _driver(caller))
            if row is None:
                raise UnknownRefund(refund=refund)
            return RefundView.of(row)


def _driver(caller: Caller) -> str | None:
    return caller.id if caller.kind == "driver" else None
