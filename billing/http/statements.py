"""`/v1/operator/settlements/{id}/statement.csv`, `.html`: the papers of an operator's business day."""

from typing import Annotated, Final
from zoneinfo import ZoneInfo

from pydantic import Field

from billing.errors import UnknownSettlement
from billing.http.settlements import PathSettlement, own_settlement
from billing.statement import Language, Statement
from billing.statement_csv import statement_csv
from billing.statement_page import statement_page
from billing.write_statement import write_statement
from kernel.db import Database
from kernel.http import OPERATE, Caller, Raw, operation

CSV: Final = "text/csv"
HTML: Final = "text/html"
PAPER: Final = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"}
"""Its styles are its own, and there is nothing else in it."""
Lang = Annotated[Language, Field(description="Of the paper.")]


class StatementsApi:
    """For the operators whose days they are. `zone` is the city's."""

    def __init__(self, db: Database, zone: ZoneInfo) -> None:
        self._db = db
        self._zone = zone

    @operation(
        get="/v1/operator/settlements/{settlement}/statement.csv",
        summary="The statement of a settlement, as CSV",
        tags=("operator", "settlements"),
        scopes=OPERATE,
        responses={200: CSV},
        problems=(UnknownSettlement,),
    )
    async def csv(self, caller: Caller, settlement: PathSettlement, lang: Lang = Language.ZH) -> Raw:
        """A row a charge, amounts in yuan, the total at the end."""
        statement = await self._statement(caller, settlement, lang)
        name = f'attachment; filename="settlement-{statement.operator}-{statement.day}.csv"'
        return Raw(statement_csv(statement, lang), CSV, {"Content-Disposition": name}, charset="utf-8")

    @operation(
        get="/v1/operator/settlements/{settlement}/statement.html",
        summary="The statement of a settlement, to print",
        tags=("operator", "settlements"),
        scopes=OPERATE,
        responses={200: HTML},
        problems=(UnknownSettlement,),
    )
    async def page(self, caller: Caller, settlement: PathSettlement, lang: Lang = Language.ZH) -> Raw:
        """A page of its own, laid out for A4; printed to a file it is the PDF."""
        statement = await self._statement(caller, settlement, lang)
        return Raw(statement_page(statement, lang), HTML, PAPER, charset="utf-8")

    async def _statement(self, caller: Caller, settlement: str, language: Language) -> Statement:
        async with self._db.transaction(readonly=True) as tx:
            return await write_statement(tx, await own_settlement(tx, caller, settlement), self._zone, language)
