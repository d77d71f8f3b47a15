"""`/v1/operator/car-parks/{car_park}/drift`: proposed corrections of counters and lanes, and what became of them."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from contracts.audit import RecordAudit
from contracts.ids import CarParkId, Slug
from kernel.callers import Caller
from kernel.db import Database, Row, Tx
from kernel.http import OPERATE, Cursor, Page, decode_cursor, operation, page_by
from occupancy.decide_drift import Decision, decide_drift
from occupancy.errors import UnknownCarPark, UnknownDriftProposal, WrongState
from occupancy.record import Recorder
from occupancy.sql import drift as sql
from occupancy.sql.operators import own_car_park

PathProposal = Annotated[str, StringConstraints(pattern=r"^drf_[0-9a-f]{32}$")]
State = Literal["proposed", "superseded", "applied", "dismissed", "undone"]
Reason = Annotated[
    str,
    StringConstraints(min_length=1, max_length=200, strip_whitespace=True, pattern=r"^[^\x00-\x1f\x7f]*$"),
    Field(description="Why, in the words of whoever signs it; stays with the correction and in the audit."),
]


class NightView(BaseModel):
    """The quietest moment of a night: what was counted (with the corrections then in force) and sensed."""

    model_config = ConfigDict(frozen=True)

    night: date
    at: datetime
    counted: int
    sensed: int | None = Field(description="Null where the sensors do not know (nearly) every space.")
    capacity: int
    entered: int | None
    left: int | None


class Evidence(BaseModel):
    """What was compared. `in_minus_out` are entries minus exits over these nights by the counter's own totals."""

    model_config = ConfigDict(frozen=True)

    in_minus_out: int | None
    nights: list[NightView]


class DriftView(BaseModel):
    """A correction: so many cars are added to what the counter of `zone` ("" = the whole car park) or the lanes say.

    `basis`: `sensors` disagree every night, `night_minimum` rises or falls steadily, `below_zero` more left than came.
    Applied, it counts for the words told from `effective_from` on. Nothing that came is changed by it.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    car_park: str
    measure: Literal["counts", "passages"]
    zone: str
    correction: int
    basis: Literal["sensors", "night_minimum", "below_zero"]
    evidence: Evidence
    state: State
    proposed_at: datetime
    decided_at: datetime | None
    decided_by: str | None
    reason: str | None
    effective_from: datetime | None
    undone_at: datetime | None
    undone_by: str | None
    undone_reason: str | None

    @classmethod
    def of(cls, row: Row) -> "DriftView":
        return cls.model_validate(dict(row))


class DecisionIn(BaseModel):
    """Why it is so decided."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: Reason


class DriftApi:
    """Reads proposals and takes decisions."""

    def __init__(self, database: Database, recorder: Recorder, record_audit: RecordAudit) -> None:
        self._database = database
        self._recorder = recorder
        self._record_audit = record_audit

    @operation(
        get="/v1/operator/car-parks/{car_park}/drift",
        summary="Corrections of counters that drift",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: Page[DriftView]},
        problems=(UnknownCarPark,),
    )
    async def proposals(
        self,
        caller: Caller,
        car_park: Slug,
        *,
        state: State | None = None,
        limit: Annotated[int, Field(ge=1, le=200)] = 50,
        cursor: Cursor = None,
    ) -> Page[DriftView]:
        """The newest first."""
        below = "drf_~" if cursor is None else decode_cursor(cursor, str)[0]
        async with self._database.transaction(readonly=True) as tx:
            own = await own_car_park(tx, CarParkId(car_park), caller)
            if own is None:
                raise UnknownCarPark(car_park=car_park)
            rows = await sql.proposals(tx, own, state=state, below=below, limit=limit + 1)
        return page_by("id", rows, limit, DriftView.of)

    @operation(
        post="/v1/operator/car-parks/{car_park}/drift/{proposal}/apply",
        summary="Apply a proposed correction",
        tags=("operator",),
        scopes=OPERATE,
        idempotent=True,
        responses={200: DriftView},
        problems=(UnknownCarPark, UnknownDriftProposal, WrongState),
    )
    async def apply(
        self, tx: Tx, caller: Caller, car_park: Slug, proposal: PathProposal, wanted: DecisionIn
    ) -> DriftView:
        """From the counter's newest word on; what is told changes at once. It can be undone."""
        return await self._decide(tx, caller, (car_park, proposal), "apply", wanted)

    @operation(
        post="/v1/operator/car-parks/{car_park}/drift/{proposal}/dismiss",
        summary="Dismiss a proposed correction",
        tags=("operator",),
        scopes=OPERATE,
        idempotent=True,
        responses={200: DriftView},
        problems=(UnknownCarPark, UnknownDriftProposal, WrongState),
    )
    async def dismiss(
        self, tx: Tx, caller: Caller, car_park: Slug, proposal: PathProposal, wanted: DecisionIn
    ) -> DriftView:
        """The same nights will not be brought forward again."""
        return await self._decide(tx, caller, (car_park, proposal), "dismiss", wanted)

    @operation(
        post="/v1/operator/car-parks/{car_park}/drift/{proposal}/undo",
        summary="Undo an applied correction",
        tags=("operator",),
        scopes=OPERATE,
        idempotent=True,
        responses={200: DriftView},
        problems=(UnknownCarPark, UnknownDriftProposal, WrongState),
    )
    async def undo(
        self, tx: Tx, caller: Caller, car_park: Slug, proposal: PathProposal, wanted: DecisionIn
    ) -> DriftView:
        """The counter is believed as it speaks again; other corrections stay."""
        return await self._decide(tx, caller, (car_park, proposal), "undo", wanted)

    async def _decide(
        self, tx: Tx, caller: Caller, which: tuple[str, str], decision: Decision, wanted: DecisionIn
    ) -> DriftView:
        car_park, proposal = which
        row = await decide_drift(
            tx,
            self._recorder,
            self._record_audit,
            caller,
            car_park=CarParkId(car_park),
            proposal=proposal,
            decision=decision,
            reason=wanted.reason,
        )
        return DriftView.of(row)
