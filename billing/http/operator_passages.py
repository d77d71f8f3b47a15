"""`/v1/operator/car-parks/{car_park}/passages`: what lanes did not see or saw wrongly is put right, and audited."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from billing.bill_session import Till
from billing.correct_passage import Seen, add_passage, replace_passage, void_passage
from billing.errors import UnknownCarPark, UnknownLane, UnknownPassage
from billing.follow_passages import Followed
from billing.http.operator_sessions import PassageId, Reason, ReasonIn
from billing.http.session_views import SessionView
from billing.own_place import own_place
from billing.sql import session_lists as sql
from billing.sql import sessions
from billing.tariff_shelf import TariffShelf
from contracts.audit import RecordAudit
from contracts.ids import Label, Slug
from contracts.orders import GiveOrder
from contracts.vehicles import Vehicle
from kernel.db import Database, Row, Tx
from kernel.edge_problems import MalformedBody
from kernel.http import OPERATE, Caller, Created, operation
from kernel.moments import Moment

Ticket = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]*$")]
VehicleClass = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,32}$")]


class SeenIn(BaseModel):
    """What really happened; what is left out is as it was told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lane: Label | None = None
    direction: Literal["entry", "exit"] | None = None
    at: Moment | None = None
    vehicle: Vehicle | None = None
    ticket: Ticket | None = None
    vehicle_class: VehicleClass | None = None
    reason: Reason

    @model_validator(mode="after")
    def _one_vehicle(self) -> Self:
        if self.vehicle is not None and self.ticket is not None:
            raise PydanticCustomError("vehicle", "a vehicle with a plate has no ticket: write one of the two")
        return self

    @property
    def seen(self) -> Seen:
        return Seen(
            lane=self.lane,
            direction=self.direction,
            at=self.at,
            plate=None if self.vehicle is None else self.vehicle.plate,
            color=None if self.vehicle is None else self.vehicle.color,
            ticket=self.ticket,
            vehicle_class=self.vehicle_class,
        )


class WholePassageIn(SeenIn):
    """A passage that no lane told."""

    lane: Label
    direction: Literal["entry", "exit"]
    at: Moment

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if self.vehicle is None and self.ticket is None:
            raise PydanticCustomError("vehicle", "whose passage was it: write vehicle or ticket")
        return self


class PassageRowView(BaseModel):
    """A passage as it stands, or as it stood before it was put right."""

    model_config = ConfigDict(frozen=True)

    id: str
    lane: str
    direction: str
    zone: str | None
    at: Moment
    plate: str | None
    color: str | None
    ticket: str | None
    vehicle_class: str | None
    confidence: float | None
    image: str | None
    received_at: Moment
    supersedes: str | None
    void: bool = Field(description="What it supersedes did not happen.")
    made_by: str | None = Field(description="Who put it right; null: a lane told it.")
    reason: str | None

    @classmethod
    def of(cls, row: Row) -> Self:
        same = (
            "id", "lane", "direction", "at", "plate", "color", "ticket", "confidence", "image", "received_at",
            "supersedes", "made_by", "reason",
        )  # fmt: skip
        said = {name: row[name] for name in same}
        return cls.model_validate(
            {**said, "zone": row["zone"] or None, "vehicle_class": row["class"], "void": row["is_void"]}
        )


class PutRightView(BaseModel):
    """The passage as it stands now, and the stays that changed by it."""

    model_config = ConfigDict(frozen=True)

    passage: PassageRowView
    sessions: list[SessionView]

    @classmethod
    def of(cls, passage: Row, followed: Followed) -> Self:
        rows = sorted(followed.rows.values(), key=lambda row: str(row["id"]))
        return cls(passage=PassageRowView.of(passage), sessions=[SessionView.of(row) for row in rows])


class HistoryView(BaseModel):
    """All that was told and said of a passage, the first first; the last stands."""

    model_config = ConfigDict(frozen=True)

    items: list[PassageRowView]


class OperatorPassagesApi:
    """Passages are never changed: what puts one right is another one."""

    def __init__(self, db: Database, shelf: TariffShelf, give_order: GiveOrder, record_audit: RecordAudit) -> None:
        self._db = db
        self._shelf = shelf
        self._give_order = give_order
        self._record_audit = record_audit

    @operation(
        get="/v1/operator/car-parks/{car_park}/passages/{passage}",
        summary="A passage and what put it right",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: HistoryView},
        problems=(UnknownCarPark, UnknownPassage),
    )
    async def one(self, caller: Caller, car_park: Slug, passage: PassageId) -> HistoryView:
        """Whichever of them is asked for."""
        async with self._db.transaction(readonly=True) as tx:
            await own_place(tx, caller, car_park)
            rows = await sql.read_line(tx, car_park, passage)
        if not rows:
            raise UnknownPassage(car_park=car_park, passage=passage)
        return HistoryView(items=[PassageRowView.of(row) for row in rows])

    @operation(
        post="/v1/operator/car-parks/{car_park}/passages",
        summary="Add a passage that no lane told",
        tags=("operator",),
        scopes=OPERATE,
        idempotent=True,
        responses={201: PutRightView},
        problems=(UnknownCarPark, UnknownLane),
    )
    async def add(self, tx: Tx, caller: Caller, car_park: Slug, wanted: WholePassageIn) -> Created[PutRightView]:
        """The stays that it begins or ends are worked out anew; a dearer one is asked for, less what was paid."""
        till = await self._till(tx, caller, car_park, wanted)
        row, followed = await add_passage(tx, till, car_park, wanted.seen, reason=wanted.reason)
        await self._audit(tx, caller, row, "add", wanted.reason)
        return Created(f"/v1/operator/car-parks/{car_park}/passages/{row['id']}", PutRightView.of(row, followed))

    @operation(
        post="/v1/operator/car-parks/{car_park}/passages/{passage}/correct",
        summary="Put a passage right",
        tags=("operator",),
        scopes=OPERATE,
        idempotent=True,
        responses={200: PutRightView},
        problems=(UnknownCarPark, UnknownPassage, UnknownLane),
    )
    async def correct(self, tx: Tx, caller: Caller, car_park: Slug, passage: PassageId, wanted: SeenIn) -> PutRightView:
        """It stands as it was told, and another one takes its place."""
        till = await self._till(tx, caller, car_park, wanted)
        row, followed = await replace_passage(tx, till, car_park, passage, seen=wanted.seen, reason=wanted.reason)
        await self._audit(tx, caller, row, "correct", wanted.reason)
        return PutRightView.of(row, followed)

    @operation(
        post="/v1/operator/car-parks/{car_park}/passages/{passage}/void",
        summary="Say that a passage did not happen",
        tags=("operator",),
        scopes=OPERATE,
        idempotent=True,
        responses={200: PutRightView},
        problems=(UnknownCarPark, UnknownPassage),
    )
    async def void(self, tx: Tx, caller: Caller, car_park: Slug, passage: PassageId, wanted: ReasonIn) -> PutRightView:
        """A ghost of the camera, a test: the stays are worked out without it."""
        till = await self._till(tx, caller, car_park, None)
        row, followed = await void_passage(tx, till, car_park, passage, reason=wanted.reason)
        await self._audit(tx, caller, row, "void", wanted.reason)
        return PutRightView.of(row, followed)

    async def _till(self, tx: Tx, caller: Caller, car_park: str, wanted: SeenIn | None) -> Till:
        await own_place(tx, caller, car_park)
        if wanted is not None and wanted.at is not None and wanted.at > tx.now:
            raise MalformedBody.of("at", "is still to come: a passage has happened")
        policies = await sessions.policies(tx, [car_park])
        return Till(give_order=self._give_order, shelf=self._shelf, policies=policies, actor=caller.principal)

    async def _audit(self, tx: Tx, caller: Caller, row: Row, what: str, reason: str) -> None:
        own: dict[str, Any] = {"car_park": row["car_park"], "supersedes": row["supersedes"], "reason": reason}
        place = await own_place(tx, caller, row["car_park"])
        await self._record_audit(
            tx,
            actor=caller.principal,
            operator=place["operator"],
            action=f"passage.{what}",
            subject=f"passage/{row['car_park']}/{row['id']}",
            detail=own,
        )
