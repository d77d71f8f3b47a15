"""`/v1/operator/settlements`: an operator's business days, and when they are paid out."""

from datetime import date, timedelta
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from billing.errors import CityWide, UnknownOperator, UnknownSettlement, WrongState
from billing.hold_settlement import hold_settlement, release_settlement
from billing.http.settlement_views import DifferenceView, SettlementView, SettlementWhole
from billing.pay_out import pay_out
from billing.settle_all import JOB
from billing.settlement_lifecycle import State
from billing.sql import differences
from billing.sql import settlements as sql
from billing.write_statement import places_of, places_of_all
from contracts.audit import RecordAudit
from contracts.ids import Slug
from kernel.db import Database, Row, Tx
from kernel.http import (
    OPERATE,
    Caller,
    Cursor,
    InvalidParameter,
    Limit,
    Page,
    after_id,
    decode_cursor,
    encode_cursor,
    operation,
    page_by,
)
from kernel.jobs import enqueue
from kernel.moments import YEAR_MAX, YEAR_MIN

PathSettlement = Annotated[str, StringConstraints(pattern=r"^stl_[0-9a-f]{32}$")]
Day = Annotated[
    date | None, Field(ge=date(YEAR_MIN + 1, 1, 1), le=date(YEAR_MAX, 12, 31), description="A business day.")
]
States = Annotated[list[State], Field(description="Only these.")]
Open = Annotated[str | None, StringConstraints(pattern="^(open|resolved)$"), Field(description="Only these.")]
Reason = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200, strip_whitespace=True, pattern=r"^[^\x00-\x1f\x7f]*$"),
    Field(description="Why; stays with it and in the audit."),
]
FIRST: Final = date(YEAR_MIN, 1, 1)
LAST: Final = date(YEAR_MAX + 1, 12, 31)


class ReasonIn(BaseModel):
    """Why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: Reason


class SettlementsApi:
    """For the operators whose days they are."""

    def __init__(self, db: Database, record_audit: RecordAudit) -> None:
        self._db = db
        self._record_audit = record_audit

    @operation(
        get="/v1/operator/settlements",
        summary="Settlements",
        tags=("operator", "settlements"),
        scopes=OPERATE,
        responses={200: Page[SettlementView]},
        problems=(UnknownOperator,),
    )
    async def list(
        self,
        caller: Caller,
        *,
        operator: Slug | None = None,
        from_: Day = None,
        until: Day = None,
        state: States = [],  # noqa: B006 - never changed
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[SettlementView]:
        """The latest day first; days from `from` on and before `until`."""
        if operator is not None and not caller.may_manage(operator):
            raise UnknownOperator(operator=operator)
        below = (LAST, "~") if cursor is None else _key(cursor)
        async with self._db.transaction(readonly=True) as tx:
            rows = await sql.page(
                tx,
                caller.covered,
                operator=operator,
                since=from_ or FIRST,
                until=until or LAST,
                states=state or None,
                below=below,
                limit=limit + 1,
            )
            shown = rows[:limit]
            places = await places_of_all(tx, shown)
        following = encode_cursor(shown[-1]["day"].toordinal(), shown[-1]["id"]) if len(rows) > limit else None
        return Page(items=[SettlementView.of(row, places[row["id"]]) for row in shown], next=following)

    @operation(
        get="/v1/operator/settlements/{settlement}",
        summary="One settlement",
        tags=("operator", "settlements"),
        scopes=OPERATE,
        responses={200: SettlementWhole},
        problems=(UnknownSettlement,),
    )
    async def one(self, caller: Caller, settlement: PathSettlement) -> SettlementWhole:
        """By car park and channel."""
        async with self._db.transaction(readonly=True) as tx:
            row = await own_settlement(tx, caller, settlement)
            return SettlementWhole.of(row, await places_of(tx, row))

    @operation(
        get="/v1/operator/settlements/{settlement}/differences",
        summary="Where a settlement and the channels' bills differ",
        tags=("operator", "settlements"),
        scopes=OPERATE,
        responses={200: Page[DifferenceView]},
        problems=(UnknownSettlement,),
    )
    async def differences(
        self,
        caller: Caller,
        settlement: PathSettlement,
        state: Open = None,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> Page[DifferenceView]:
        """Oldest first. While one is open, the day is not reconciled."""
        after = after_id(cursor)
        async with self._db.transaction(readonly=True) as tx:
            await own_settlement(tx, caller, settlement)
            rows = await differences.of_settlement(tx, settlement, state=state, after=after, limit=limit + 1)
        return page_by("id", rows, limit, DifferenceView.of)

    @operation(
        post="/v1/operator/settlements/{settlement}/close",
        summary="Close a day before its end",
        tags=("operator", "settlements"),
        scopes=OPERATE,
        idempotent=True,
        responses={200: SettlementWhole},
        problems=(UnknownSettlement, WrongState),
    )
    async def close(self, tx: Tx, caller: Caller, settlement: PathSettlement, wanted: ReasonIn) -> SettlementWhole:
        """It ends now instead of at midnight, and what comes from now on is the next day's. The worker freezes it in a
        moment, and reconciles it as soon as the payment channels' bills are there.
        """
        row = await own_settlement(tx, caller, settlement)
        if not await sql.close(tx, settlement):
            detail = f"{settlement} is {row['state']}: only an open day that has begun and not ended is closed"
            raise WrongState(detail, state=row["state"])
        await enqueue(tx, JOB, once=f"settle {settlement}")
        return await self._told(tx, caller, row, "settlement.close", {"reason": wanted.reason})

    @operation(
        post="/v1/operator/settlements/{settlement}/hold",
        summary="Wait with a pay-out",
        tags=("operator", "settlements"),
        scopes=OPERATE,
        idempotent=True,
        responses={200: SettlementWhole},
        problems=(UnknownSettlement, WrongState),
    )
    async def hold(self, tx: Tx, caller: Caller, settlement: PathSettlement, wanted: ReasonIn) -> SettlementWhole:
        """Until it is released; what the city holds, only the city releases."""
        row = await own_settlement(tx, caller, settlement)
        await hold_settlement(tx, settlement, reason=wanted.reason, by_city=caller.covered is None)
        return await self._told(tx, caller, row, "settlement.hold", {"reason": wanted.reason})

    @operation(
        post="/v1/operator/settlements/{settlement}/release",
        summary="Wait no longer",
        tags=("operator", "settlements"),
        scopes=OPERATE,
        idempotent=True,
        responses={200: SettlementWhole},
        problems=(UnknownSettlement, WrongState, CityWide),
    )
    async def release(self, tx: Tx, caller: Caller, settlement: PathSettlement, wanted: ReasonIn) -> SettlementWhole:
        """It goes on where it was held."""
        row = await own_settlement(tx, caller, settlement)
        await release_settlement(tx, settlement, reason=wanted.reason, by_city=caller.covered is None)
        return await self._told(tx, caller, row, "settlement.release", {"reason": wanted.reason})

    @operation(
        post="/v1/operator/settlements/{settlement}/pay-out",
        summary="Pay a day out",
        tags=("operator", "settlements"),
        scopes=OPERATE,
        idempotent=True,
        responses={200: SettlementWhole},
        problems=(UnknownSettlement, WrongState, CityWide),
    )
    async def pay_out(self, tx: Tx, caller: Caller, settlement: PathSettlement) -> SettlementWhole:
        """The city's step: the transfer was made. What earlier days were short of is less."""
        row = await own_settlement(tx, caller, settlement)
        if caller.covered is not None:
            raise CityWide("operators are paid; the city pays")
        paid = await pay_out(tx, settlement)
        return await self._told(tx, caller, row, "settlement.pay-out", {"paid": paid["paid"]})

    async def _told(self, tx: Tx, caller: Caller, row: Row, action: str, detail: dict[str, object]) -> SettlementWhole:
        await self._record_audit(
            tx,
            actor=caller.principal,
            operator=row["operator"],
            action=action,
            subject=f"settlement/{row['id']}",
            detail={"day": row["day"].isoformat(), **detail},
        )
        now = await own_settlement(tx, caller, row["id"])
        return SettlementWhole.of(now, await places_of(tx, now))


async def own_settlement(tx: Tx, caller: Caller, settlement: str) -> Row:
    """Raises UnknownSettlement for another operator's as well."""
    row = await sql.read(tx, settlement, caller.covered)
    if row is None:
        raise UnknownSettlement(settlement=settlement)
    return row


def _key(cursor: str) -> tuple[date, str]:
    """The key below which the page begins. Raises InvalidParameter."""
    ordinal, last = decode_cursor(cursor, int, str)
    if not 1 <= ordinal <= LAST.toordinal():
        raise InvalidParameter.of("query", "cursor", "not a cursor of this list")
    return date(1, 1, 1) + timedelta(days=ordinal - 1), last
