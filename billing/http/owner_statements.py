"""`/v1/owner-statements`: what lent spaces brought their owner, by the ledger, month by month; and paying it out."""

from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, StringConstraints

from billing.errors import CityWide, NothingAvailable
from billing.http.payments import READ
from billing.http.settlement_views import OwnerStatementView
from billing.http.statements import CSV, HTML, PAPER, Lang
from billing.pay_owner import pay_owner
from billing.statement import Language, OwnerStatement
from billing.statement_csv import owner_statement_csv
from billing.statement_page import owner_statement_page
from billing.write_statement import owners_balance, write_owner_statement
from contracts.audit import RecordAudit
from kernel.db import Database, Tx
from kernel.http import OPERATE, Caller, Raw, operation
from kernel.money import Money

PathOwner = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$")]
Month = Annotated[str, StringConstraints(pattern=r"^20[0-9]{2}-(?:0[1-9]|1[0-2])$")]


class OwnerPayoutView(BaseModel):
    """What an owner was paid."""

    model_config = ConfigDict(frozen=True)

    id: str
    owner: str
    paid: Money


class OwnerStatementsApi:
    """For the driver who lends them; the city pays. `zone` is the city's."""

    def __init__(self, db: Database, zone: ZoneInfo, record_audit: RecordAudit) -> None:
        self._db = db
        self._zone = zone
        self._record_audit = record_audit

    @operation(
        get="/v1/owner-statements/{month}",
        summary="What my spaces brought in a month",
        tags=("sharing", "settlements"),
        scopes=READ,
        responses={200: OwnerStatementView},
    )
    async def one(self, caller: Caller, month: Month) -> OwnerStatementView:
        """Charge by charge, for stays that ended in it. What is paid is `available` 48 hours after the stay."""
        async with self._db.transaction(readonly=True) as tx:
            statement = await write_owner_statement(tx, _owner(caller), _month(month), self._zone)
            return OwnerStatementView.of(statement, await owners_balance(tx, _owner(caller)))

    @operation(
        get="/v1/owner-statements/{month}/statement.csv",
        summary="The same as CSV",
        tags=("sharing", "settlements"),
        scopes=READ,
        responses={200: CSV},
    )
    async def csv(self, caller: Caller, month: Month, lang: Lang = Language.ZH) -> Raw:
        """A row a charge, amounts in yuan."""
        paper = owner_statement_csv(await self._statement(caller, month), lang)
        return Raw(paper, CSV, {"Content-Disposition": f'attachment; filename="earnings-{month}.csv"'}, charset="utf-8")

    @operation(
        get="/v1/owner-statements/{month}/statement.html",
        summary="The same to print",
        tags=("sharing", "settlements"),
        scopes=READ,
        responses={200: HTML},
    )
    async def page(self, caller: Caller, month: Month, lang: Lang = Language.ZH) -> Raw:
        """A page of its own, laid out for A4."""
        return Raw(owner_statement_page(await self._statement(caller, month), lang), HTML, PAPER, charset="utf-8")

    @operation(
        post="/v1/operator/owners/{owner}/pay-out",
        summary="Pay an owner out",
        tags=("operator", "settlements"),
        scopes=OPERATE,
        idempotent=True,
        responses={200: OwnerPayoutView},
        problems=(CityWide, NothingAvailable),
    )
    async def pay_out(self, tx: Tx, caller: Caller, owner: PathOwner) -> OwnerPayoutView:
        """The city's step: the transfer of all that is available was made."""
        if caller.covered is not None:
            raise CityWide("owners lend spaces of several operators; the city pays them")
        payout, amount = await pay_owner(tx, owner)
        await self._record_audit(
            tx,
            actor=caller.principal,
            operator=None,
            action="owner.pay-out",
            subject=f"owner/{owner}",
            detail={"payout": payout, "paid": amount},
        )
        return OwnerPayoutView(id=payout, owner=owner, paid=Money(amount=amount))

    async def _statement(self, caller: Caller, month: str) -> OwnerStatement:
        async with self._db.transaction(readonly=True) as tx:
            return await write_owner_statement(tx, _owner(caller), _month(month), self._zone)


def _owner(caller: Caller) -> str:
    """An operator's key lends nothing: its month is empty."""
    return caller.id if caller.kind == "driver" else ""


def _month(text: str) -> tuple[int, int]:
    year, _, month = text.partition("-")
    return int(year), int(month)
