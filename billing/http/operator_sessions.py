"""`/v1/operator/...`: stays that wait for somebody, and putting them right; every step is audited."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from billing.bill_session import Till
from billing.confusable import proposals
from billing.errors import (
    NotAStay,
    NothingInside,
    UnknownCarPark,
    UnknownLane,
    UnknownPassage,
    UnknownSession,
    WrongState,
)
from billing.http.session_views import ExceptionView, PathSession, SessionView, SessionWhole
from billing.http.sessions import States, whole
from billing.match_exit import leave_without_ticket, match_exit
from billing.own_place import own_place
from billing.rate_again import rate_again
from billing.session_lifecycle import EXCEPTIONS, State
from billing.sql import matches, passages, sessions
from billing.sql import session_lists as sql
from billing.tariff_shelf import TariffShelf
from billing.void_session import pass_free, void_session
from contracts.audit import RecordAudit
from contracts.ids import Label, Slug
from contracts.orders import GiveOrder
from contracts.vehicles import Plate
from kernel.db import Database, Row, Tx
from kernel.http import OPERATE, Caller, Cursor, Limit, Page, below_id, operation, page_by
from kernel.moments import Moment

Reason = Annotated[
    str,
    StringConstraints(min_length=1, max_length=500, strip_whitespace=True, pattern=r"^[^\x00-\x1f\x7f]*$"),
    Field(description="In words; stays with the stay and in the audit, and its driver reads it."),
]
PassageId = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]*$")]


class ReasonIn(BaseModel):
    """Why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: Reason


class MatchIn(ReasonIn):
    """Which session it was that left."""

    session: PathSession


class LostTicketIn(ReasonIn):
    """Where and when its driver left. `passage`: what the lane told of it, where it told anything."""

    lane: Label
    at: Moment
    passage: PassageId | None = None


class OperatorSessionsApi:
    """What operators see of stays, and do to them."""

    def __init__(self, db: Database, shelf: TariffShelf, give_order: GiveOrder, record_audit: RecordAudit) -> None:
        self._db = db
        self._shelf = shelf
        self._give_order = give_order
        self._record_audit = record_audit

    @operation(
        get="/v1/operator/exceptions",
        summary="Stays that wait for somebody",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: Page[ExceptionView]},
        problems=(UnknownCarPark,),
    )
    async def exceptions(
        self,
        caller: Caller,
        car_park: Slug | None = None,
        state: States = [],  # noqa: B006 - never changed
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[ExceptionView]:
        """`orphan_exit`: nobody saw it come; `candidates` may be the one. `suspect`: nobody knows when it left, or
        nobody would believe it. `exited`: nobody can say what it costs. Newest first.
        """
        below = below_id(cursor)
        async with self._db.transaction(readonly=True) as tx:
            if car_park is not None:
                await own_place(tx, caller, car_park)
            wanted = [one for one in state if one in EXCEPTIONS] if state else None
            rows = await sql.exceptions(tx, caller, car_park=car_park, below=below, states=wanted, limit=limit + 1)
            proofs = await sql.evidence(tx, [row["id"] for row in rows])
            likely = {one.session: proposals(one.left, one.inside) for one in await matches.orphans(tx, list(proofs))}
        return page_by(
            "id", rows, limit, lambda row: ExceptionView.with_proof(row, proofs[row["id"]], likely.get(row["id"], ()))
        )

    @operation(
        get="/v1/operator/car-parks/{car_park}/sessions",
        summary="The stays at a car park",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: Page[SessionView]},
        problems=(UnknownCarPark,),
    )
    async def list(
        self,
        caller: Caller,
        car_park: Slug,
        *,
        state: States = [],  # noqa: B006 - never changed
        plate: Plate | None = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[SessionView]:
        """Newest first, with what was put right."""
        below = below_id(cursor)
        async with self._db.transaction(readonly=True) as tx:
            await own_place(tx, caller, car_park)
            rows = await sql.page_of_car_park(
                tx, car_park, below=below, states=state or None, plate=plate, limit=limit + 1
            )
        return page_by("id", rows, limit, SessionView.of)

    @operation(
        get="/v1/operator/sessions/{session}",
        summary="A stay with all that proves it",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: SessionWhole},
        problems=(UnknownSession,),
    )
    async def one(self, caller: Caller, session: PathSession) -> SessionWhole:
        """As its driver sees it."""
        async with self._db.transaction(readonly=True) as tx:
            return await whole(tx, self._shelf, await _own(tx, caller, session))

    @operation(
        post="/v1/operator/sessions/{session}/match",
        summary="Say whose exit it was",
        tags=("operator",),
        scopes=OPERATE,
        idempotent=True,
        responses={200: SessionView},
        problems=(UnknownSession, WrongState, NothingInside, NotAStay),
    )
    async def match(self, tx: Tx, caller: Caller, session: PathSession, wanted: MatchIn) -> SessionView:
        """`session` is an exit without an entry; the exit is read as that of the vehicle of the other one, which is
        billed. The answer is that one.
        """
        orphan, inside = await self._locked(tx, caller, session, wanted.session)
        row = await match_exit(tx, await self._till(tx, caller, orphan), orphan, inside, reason=wanted.reason)
        await self._audit(tx, caller, row, "match", {"exit": session, "reason": wanted.reason})
        return SessionView.of(row)

    @operation(
        post="/v1/operator/sessions/{session}/lost-ticket",
        summary="Let somebody leave who lost the ticket",
        tags=("operator",),
        scopes=OPERATE,
        idempotent=True,
        responses={200: SessionView},
        problems=(UnknownSession, UnknownPassage, UnknownLane, NothingInside, NotAStay),
    )
    async def lost_ticket(self, tx: Tx, caller: Caller, session: PathSession, wanted: LostTicketIn) -> SessionView:
        """It costs what the tariff says of lost tickets."""
        (inside,) = await self._locked(tx, caller, session)
        till = await self._till(tx, caller, inside)
        row = await leave_without_ticket(
            tx, till, inside, lane=wanted.lane, at=min(wanted.at, tx.now), passage=wanted.passage, reason=wanted.reason
        )
        await self._audit(tx, caller, row, "lost_ticket", {"reason": wanted.reason})
        return SessionView.of(row)

    @operation(
        post="/v1/operator/sessions/{session}/rate",
        summary="Work out after all what a stay costs",
        tags=("operator",),
        scopes=OPERATE,
        idempotent=True,
        responses={200: SessionView},
        problems=(UnknownSession, WrongState, NotAStay),
    )
    async def rate(self, tx: Tx, caller: Caller, session: PathSession, wanted: ReasonIn) -> SessionView:
        """Of one that is `exited`, after a tariff was put in force for its entry, or `suspect` with both its passages,
        which somebody has looked at.
        """
        (row,) = await self._locked(tx, caller, session)
        row = await rate_again(tx, await self._till(tx, caller, row), row)
        await self._audit(tx, caller, row, "rate", {"reason": wanted.reason, "amount": row["amount"]})
        return SessionView.of(row)

    @operation(
        post="/v1/operator/sessions/{session}/void",
        summary="Take a stay back",
        tags=("operator",),
        scopes=OPERATE,
        idempotent=True,
        responses={200: SessionView},
        problems=(UnknownSession, WrongState),
    )
    async def void(self, tx: Tx, caller: Caller, session: PathSession, wanted: ReasonIn) -> SessionView:
        """Nobody is billed for it, whatever passages come later; what was paid for it goes back."""
        (row,) = await self._locked(tx, caller, session)
        row = await void_session(tx, await self._till(tx, caller, row), row, reason=wanted.reason)
        await self._audit(tx, caller, row, "void", {"reason": wanted.reason})
        return SessionView.of(row)

    @operation(
        post="/v1/operator/sessions/{session}/pass-free",
        summary="Let a vehicle leave for nothing",
        tags=("operator",),
        scopes=OPERATE,
        idempotent=True,
        responses={200: SessionView},
        problems=(UnknownSession, WrongState),
    )
    async def pass_free(self, tx: Tx, caller: Caller, session: PathSession, wanted: ReasonIn) -> SessionView:
        """The barrier opens if it stands there."""
        (row,) = await self._locked(tx, caller, session)
        row = await pass_free(tx, await self._till(tx, caller, row), row, reason=wanted.reason)
        await self._audit(tx, caller, row, "pass_free", {"reason": wanted.reason})
        return SessionView.of(row)

    async def _locked(self, tx: Tx, caller: Caller, *wanted: str) -> Sequence[Row]:
        """Of one car park, in that order, with their car park. Raises UnknownSession."""
        seen = [await _own(tx, caller, session) for session in wanted]
        await passages.lock_car_parks(tx, {row["car_park"] for row in seen})
        rows = {row["id"]: row for row in await sessions.lock(tx, wanted)}
        for row in seen[1:]:
            if row["car_park"] != seen[0]["car_park"]:
                raise UnknownSession("it is at another car park", session=row["id"])
        return [rows[session] for session in wanted]

    async def _till(self, tx: Tx, caller: Caller, row: Row) -> Till:
        policies = await sessions.policies(tx, [row["car_park"]])
        return Till(give_order=self._give_order, shelf=self._shelf, policies=policies, actor=caller.principal)

    async def _audit(self, tx: Tx, caller: Caller, row: Row, what: str, detail: dict[str, Any]) -> None:
        await self._record_audit(
            tx,
            actor=caller.principal,
            operator=row["operator"],
            action=f"session.{what}",
            subject=f"session/{row['id']}",
            detail={"car_park": row["car_park"], "state": State(row["state"]), **detail},
        )


async def _own(tx: Tx, caller: Caller, session: str) -> Row:
    row = await sql.own(tx, session, caller)
    if row is None:
        raise UnknownSession(session=session)
    return row
