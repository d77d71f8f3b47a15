"""`/v1/operator/payments`: what operators see of payments, and having a channel asked at once."""

from typing import Annotated

from pydantic import Field

from billing.errors import UnknownPayment
from billing.http.payments import ChargeId, Limit, PathPayment, PaymentView, concerns
from billing.payment_lifecycle import State
from billing.sql import payment_lists
from billing.sql import payments as sql
from contracts.audit import RecordAudit
from kernel.db import Database, Tx
from kernel.http import OPERATE, Caller, Cursor, Page, below_id, operation, page_by

States = Annotated[list[State], Field(description="Only these: `created`, `sent` and `accepted` are under way.")]


class OperatorPaymentsApi:
    """Each payment of whose charges one at least is covered."""

    def __init__(self, db: Database, record_audit: RecordAudit) -> None:
        self._db = db
        self._record_audit = record_audit

    @operation(
        get="/v1/operator/payments",
        summary="Payments of an operator's charges",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: Page[PaymentView]},
    )
    async def list(
        self,
        caller: Caller,
        *,
        state: States = [],  # noqa: B006 - never changed
        charge: ChargeId | None = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[PaymentView]:
        """Newest first. `error` of one that is under way says why its channel is asked again."""
        async with self._db.transaction(readonly=True) as tx:
            rows = await payment_lists.page_of_operators(
                tx,
                caller.covered,
                states=[*state] or None,
                charge=charge,
                below=below_id(cursor),
                limit=limit + 1,
            )
            views = {row["id"]: await PaymentView.of(tx, row, is_operator=True) for row in rows[:limit]}
        return page_by("id", rows, limit, lambda row: views[row["id"]])

    @operation(
        post="/v1/operator/payments/{payment}/ask",
        summary="Ask the channel at once how a payment stands",
        tags=("operator",),
        scopes=OPERATE,
        idempotent=True,
        responses={200: PaymentView},
        problems=(UnknownPayment,),
    )
    async def ask(self, tx: Tx, caller: Caller, payment: PathPayment) -> PaymentView:
        """It is asked by itself as well, the more seldom the longer it takes. One that has ended stays as it is."""
        row = await sql.read(tx, payment)
        if row is None or not await concerns(tx, caller, row):
            raise UnknownPayment(payment=payment)
        await sql.ask_now(tx, payment)
        await self._record_audit(
            tx,
            actor=caller.principal,
            operator=None,
            action="payment.ask",
            subject=f"payment/{payment}",
            detail={"state": row["state"]},
        )
        return await PaymentView.of(tx, row, is_operator=True)
