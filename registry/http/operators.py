"""`/v1/operator/operators` and `/v1/operator/audit`: who there is, and who changed what."""

from typing import Annotated

from pydantic import Field, StringConstraints

from contracts.ids import OperatorId
from kernel.db import Database
from kernel.http import (
    LIMIT_DEFAULT,
    OPERATE,
    Caller,
    Created,
    Cursor,
    Limit,
    Page,
    after_id,
    decode_cursor,
    operation,
    page_by,
)
from registry.errors import OperatorIdReserved, UnknownOperator
from registry.http.car_parks import PathId
from registry.register_operator import OperatorIn, register_operator
from registry.sql import audit, car_parks
from registry.views import AuditView, OperatorView

NEWEST = 2**62
Subject = Annotated[str | None, StringConstraints(max_length=128), Field(examples=["car-park/sy-heping-017"])]


class OperatorsApi:
    """Operators and the audit trail."""

    def __init__(self, db: Database) -> None:
        self._db = db

    @operation(
        get="/v1/operator/operators",
        summary="Operators that these credentials cover",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: Page[OperatorView]},
    )
    async def list(self, caller: Caller, limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None) -> Page[OperatorView]:
        """By id."""
        async with self._db.transaction(readonly=True) as tx:
            rows = await car_parks.page_of_operators(tx, caller.covered, after=after_id(cursor), limit=limit + 1)
        return page_by("id", rows, limit, OperatorView.of)

    @operation(
        get="/v1/operator/operators/{operator}",
        summary="One operator",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: OperatorView},
        problems=(UnknownOperator,),
    )
    async def one(self, caller: Caller, operator: PathId) -> OperatorView:
        """Its name."""
        return await self._read(caller, OperatorId(operator))

    @operation(
        put="/v1/operator/operators/{operator}",
        summary="Name an operator",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: OperatorView, 201: OperatorView},
        problems=(UnknownOperator, OperatorIdReserved),
    )
    async def put(self, caller: Caller, operator: PathId, wanted: OperatorIn) -> OperatorView | Created[OperatorView]:
        """A key of every operator makes new ones; an operator's own key renames it."""
        async with self._db.transaction() as tx:
            is_new = await register_operator(tx, caller, OperatorId(operator), wanted)
        view = await self._read(caller, OperatorId(operator))
        return Created(f"/v1/operator/operators/{operator}", view) if is_new else view

    @operation(
        get="/v1/operator/audit",
        summary="Who changed what",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: Page[AuditView]},
    )
    async def audit(
        self, caller: Caller, subject: Subject = None, limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None
    ) -> Page[AuditView]:
        """Newest first; a row for every write."""
        before: int = NEWEST if cursor is None else decode_cursor(cursor, int)[0]
        async with self._db.transaction(readonly=True) as tx:
            rows = await audit.page_of_audit(tx, caller.covered, subject=subject, before=before, limit=limit + 1)
        return page_by("number", rows, limit, AuditView.of)

    async def _read(self, caller: Caller, operator: OperatorId) -> OperatorView:
        async with self._db.transaction(readonly=True) as tx:
            row = await car_parks.find_operator(tx, operator, caller.covered)
        if row is None:
            raise UnknownOperator(operator=operator)
        return OperatorView.of(row)
