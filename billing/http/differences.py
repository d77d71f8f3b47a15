"""`/v1/operator/differences`: where ours and the channels' bills differ, and what somebody makes of it."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from billing.errors import UnknownDifference, UnknownOperator, WrongState
from billing.http.settlement_views import DifferenceView
from billing.http.settlements import Day, Open, Reason
from billing.matching import Way
from billing.resolve_difference import ask_about_difference, resolve_difference
from billing.sql import differences as sql
from contracts.audit import RecordAudit
from contracts.ids import Slug
from kernel.db import Database, Row, Tx
from kernel.http import OPERATE, Caller, Cursor, Limit, Page, below_id, operation, page_by

PathDifference = Annotated[str, StringConstraints(pattern=r"^dif_[0-9a-f]{32}$")]


class ResolutionIn(BaseModel):
    """What it is. `ask_again` ends nothing by itself: the channel is asked, and what it answers may.

    `suspense` sets the money aside until it is known whose it is; `loss` takes it from the operators whose charges it
    is about; `refund` gives what came too much back to whoever paid.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    way: Literal["suspense", "loss", "refund", "ask_again"]
    reason: Reason


class DifferencesApi:
    """For the operators whom they concern; what is nobody's is the city's."""

    def __init__(self, db: Database, record_audit: RecordAudit) -> None:
        self._db = db
        self._record_audit = record_audit

    @operation(
        get="/v1/operator/differences",
        summary="Where payments and the channels' bills differ",
        tags=("operator", "settlements"),
        scopes=OPERATE,
        responses={200: Page[DifferenceView]},
        problems=(UnknownOperator,),
    )
    async def list(
        self,
        caller: Caller,
        *,
        operator: Slug | None = None,
        state: Open = None,
        from_: Day = None,
        until: Day = None,
        limit: Annotated[Limit, Field()] = 100,
        cursor: Cursor = None,
    ) -> Page[DifferenceView]:
        """Newest first; of bills from `from` on and before `until`."""
        if operator is not None and not caller.may_manage(operator):
            raise UnknownOperator(operator=operator)
        below = below_id(cursor)
        async with self._db.transaction(readonly=True) as tx:
            rows = await sql.page(
                tx,
                caller.covered,
                operator=operator,
                state=state,
                since=from_,
                until=until,
                below=below,
                limit=limit + 1,
            )
        return page_by("id", rows, limit, DifferenceView.of)

    @operation(
        post="/v1/operator/differences/{difference}/resolve",
        summary="Say what a difference is",
        tags=("operator", "settlements"),
        scopes=OPERATE,
        idempotent=True,
        responses={200: DifferenceView},
        problems=(UnknownDifference, WrongState),
    )
    async def resolve(self, tx: Tx, caller: Caller, difference: PathDifference, wanted: ResolutionIn) -> DifferenceView:
        """With a reason, for whoever reads the books."""
        row = await self._resolved(tx, caller, difference, wanted)
        for operator in row["operators"] or [None]:
            await self._record_audit(
                tx,
                actor=caller.principal,
                operator=operator,
                action=f"difference.{wanted.way}",
                subject=f"difference/{difference}",
                detail={"kind": row["kind"], "channel": row["channel"], "reason": wanted.reason},
            )
        return DifferenceView.of(row)

    async def _resolved(self, tx: Tx, caller: Caller, difference: str, wanted: ResolutionIn) -> Row:
        operators = caller.covered
        if wanted.way == "ask_again":
            return await ask_about_difference(tx, difference, operators=operators)
        return await resolve_difference(
            tx, difference, Way(wanted.way), reason=wanted.reason, actor=caller.principal, operators=operators
        )
