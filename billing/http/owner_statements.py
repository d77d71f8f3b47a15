"""`/v1/owner-statements`: what lent spaces brought their owner, by the ledger, month by month."""

from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import StringConstraints

from billing.http.payments import READ
from billing.http.settlement_views import OwnerStatementView
from billing.http.settlements import CSV, HTML, PAPER, Lang
from billing.statement import Language, OwnerStatement
from billing.statement_csv import owner_statement_csv
from billing.statement_page import owner_statement_page
from billing.write_statement import owners_balance, write_owner_statement
from kernel.db import Database
from kernel.http import Caller, Raw, operation

Month = Annotated[str, StringConstraints(pattern=r"^20[0-9]{2}-(?:0[1-9]|1[0-2])$")]


class OwnerStatementsApi:
    """For the driver who lends them. `zone` is the city's."""

    def __init__(self, db: Database, zone: ZoneInfo) -> None:
        self._db = db
        self._zone = zone

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

    async def _statement(self, caller: Caller, month: str) -> OwnerStatement:
        async with self._db.transaction(readonly=True) as tx:
            return await write_owner_statement(tx, _owner(caller), _month(month), self._zone)


def _owner(caller: Caller) -> str:
    """An operator's key lends nothing: its month is empty."""
    return caller.id if caller.kind == "driver" else ""


def _month(text: str) -> tuple[int, int]:
    year, _, month = text.partition("-")
    return int(year), int(month)
