"""`/v1/operator/permits`: monthly passes, places for staff, what the law gives the disabled."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from billing.end_permit import end_permit
from billing.errors import NoSuchConcession, UnknownCarPark, UnknownPermit
from billing.http.concession_bodies import CarParks, ConcessionId, Name, Status, Uses, status_of
from billing.issue_permit import NewPermit, issue_permit
from billing.sql import permits as sql
from contracts.audit import RecordAudit
from contracts.ids import Slug
from contracts.vehicles import Plate, Vehicle
from kernel.db import Database, Row, Tx
from kernel.edge_problems import MalformedBody
from kernel.http import (
    LIMIT_DEFAULT,
    OPERATE,
    Caller,
    Created,
    Cursor,
    Limit,
    NoContent,
    Page,
    below_id,
    operation,
    page_by,
)
from kernel.moments import Moment

PathPermit = Annotated[str, StringConstraints(pattern=r"^per_[0-9a-f]{32}$")]


class PermitIn(BaseModel):
    """For whom, where, and which concession of the tariffs there it is. Valid from now on without `from`, until it is
    ended without `until`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    car_parks: CarParks
    vehicles: Annotated[list[Vehicle], Field(min_length=1, max_length=50)]
    concession: ConcessionId
    holder: Name = Field(description="Who has it, in words.", examples=["Wang Li, staff"])
    spaces: Annotated[int, Field(ge=1, le=1000)] | None = Field(
        default=None, description="It covers so many of its vehicles at a time; who comes first has it. Null: all."
    )
    uses_max: Uses | None = Field(default=None, description="It covers so many stays. Null: any number.")
    begins: Moment | None = Field(default=None, alias="from")
    until: Moment | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.begins is not None and self.until is not None and self.begins >= self.until:
            raise PydanticCustomError("until", "until must be later than from")
        return self

    def wanted(self) -> NewPermit:
        return NewPermit(
            car_parks=list(dict.fromkeys(self.car_parks)),
            vehicles=list(dict.fromkeys(self.vehicles)),
            concession=self.concession,
            holder=self.holder,
            spaces=self.spaces,
            uses_max=self.uses_max,
            valid_from=self.begins,
            valid_until=self.until,
        )


class PermitView(BaseModel):
    """A permit; `uses` is for how many stays it was used."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, serialize_by_alias=True)

    id: str
    operator: str
    car_parks: list[str]
    vehicles: list[Vehicle]
    concession: str
    holder: str
    status: Status
    spaces: int | None
    uses_max: int | None
    uses: int
    begins: Moment = Field(alias="from")
    until: Moment | None
    created_at: Moment
    ended_at: Moment | None

    @classmethod
    def of(cls, tx: Tx, row: Row) -> Self:
        return cls(
            id=row["id"],
            operator=row["operator"],
            car_parks=row["car_parks"],
            vehicles=[Vehicle.model_construct(**one) for one in row["vehicles"]],
            concession=row["concession"],
            holder=row["holder"],
            status=status_of(tx, row),
            spaces=row["spaces"],
            uses_max=row["uses_max"],
            uses=row["uses"],
            begins=row["valid_from"],
            until=row["valid_until"],
            created_at=row["created_at"],
            ended_at=row["ended_at"],
        )


class PermitsApi:
    """Every write is audited."""

    def __init__(self, db: Database, record_audit: RecordAudit) -> None:
        self._db = db
        self._record_audit = record_audit

    @operation(
        post="/v1/operator/permits",
        summary="Issue a permit",
        tags=("operator",),
        scopes=OPERATE,
        idempotent=True,
        responses={201: PermitView},
        problems=(UnknownCarPark, NoSuchConcession),
    )
    async def post(self, tx: Tx, caller: Caller, wanted: PermitIn) -> Created[PermitView]:
        """Stays that are going on have it too, from its beginning on."""
        if wanted.until is not None and wanted.begins is None and wanted.until <= tx.now:
            raise MalformedBody.of("until", "it is over before it begins")
        row = await issue_permit(tx, caller, wanted.wanted(), self._record_audit)
        return Created(f"/v1/operator/permits/{row['id']}", PermitView.of(tx, row))

    @operation(
        get="/v1/operator/permits",
        summary="My permits",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: Page[PermitView]},
    )
    async def list(
        self,
        caller: Caller,
        car_park: Slug | None = None,
        plate: Plate | None = None,
        limit: Limit = LIMIT_DEFAULT,
        cursor: Cursor = None,
    ) -> Page[PermitView]:
        """The last one issued first."""
        async with self._db.transaction(readonly=True) as tx:
            below = below_id(cursor)
            rows = await sql.page(tx, caller, car_park=car_park, plate=plate, below=below, limit=limit + 1)
            return page_by("id", rows, limit, lambda row: PermitView.of(tx, row))

    @operation(
        get="/v1/operator/permits/{permit}",
        summary="One permit",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: PermitView},
        problems=(UnknownPermit,),
    )
    async def one(self, caller: Caller, permit: PathPermit) -> PermitView:
        """As it is now."""
        async with self._db.transaction(readonly=True) as tx:
            row = await sql.own(tx, permit, caller)
            if row is None:
                raise UnknownPermit(permit=permit)
            return PermitView.of(tx, row)

    @operation(
        delete="/v1/operator/permits/{permit}",
        summary="End a permit",
        tags=("operator",),
        scopes=OPERATE,
        responses={204: None},
        problems=(UnknownPermit,),
    )
    async def delete(self, caller: Caller, permit: PathPermit) -> NoContent:
        """From now on; what it covered so far stays covered."""
        async with self._db.transaction() as tx:
            await end_permit(tx, caller, permit, self._record_audit)
        return NoContent()
