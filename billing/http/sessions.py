"""`/v1/sessions`: a driver's own stays, those that go on with what they cost so far."""

from datetime import timedelta
from typing import Annotated, Final

from pydantic import Field

from billing.entry_decision import entry_decision
from billing.errors import NoPlan, NoTariff, NothingToPay, UnknownSession
from billing.fee_lines import lines_of
from billing.http.charge_views import ChargeView
from billing.http.decision_views import CreditView
from billing.http.session_views import PathSession, SessionView, SessionWhole, SoFarView, so_far_of
from billing.price_stay import price_stay
from billing.rate_session import fee_so_far
from billing.session_lifecycle import State
from billing.sql import prepayments
from billing.sql import session_lists as sql
from billing.sql.policies import policy_of
from billing.sql.standing import standing
from billing.tariff_shelf import TariffShelf
from kernel.db import Database, Row, Tx
from kernel.http import Caller, Created, Cursor, Limit, Page, below_id, operation, page_by

READ: Final = frozenset({"read"})
PAY: Final = frozenset({"reserve"})
States = Annotated[list[State], Field(description="Only these.")]


class SessionsApi:
    """Of vehicles for which the driver had an agreement then, and what he paid for."""

    def __init__(self, db: Database, shelf: TariffShelf) -> None:
        self._db = db
        self._shelf = shelf

    @operation(
        get="/v1/sessions",
        summary="My stays",
        tags=("payments",),
        scopes=READ,
        responses={200: Page[SessionView]},
    )
    async def list(
        self,
        caller: Caller,
        state: States = [],  # noqa: B006 - never changed
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[SessionView]:
        """Newest first; what was put right is listed as it is now."""
        below = below_id(cursor)
        async with self._db.transaction(readonly=True) as tx:
            rows = await sql.page_of_driver(tx, caller.id, below=below, states=state or None, limit=limit + 1)
        return page_by("id", rows, limit, SessionView.of)

    @operation(
        get="/v1/sessions/{session}",
        summary="One stay",
        tags=("payments",),
        scopes=READ,
        responses={200: SessionWhole},
        problems=(UnknownSession,),
    )
    async def one(self, caller: Caller, session: PathSession) -> SessionWhole:
        """What it costs line by line, by which tariff and which passages, and whom to call about it."""
        async with self._db.transaction(readonly=True) as tx:
            row = await sql.of_driver(tx, session, caller.id)
            if row is None:
                raise UnknownSession(session=session)
            return await whole(tx, self._shelf, row)

    @operation(
        post="/v1/sessions/{session}/quote",
        summary="What leaving now costs, to be paid inside",
        tags=("payments",),
        scopes=PAY,
        idempotent=True,
        responses={201: ChargeView},
        problems=(UnknownSession, NothingToPay, NoTariff, NoPlan),
    )
    async def quote(self, tx: Tx, caller: Caller, session: PathSession) -> Created[ChargeView]:
        """As `POST /v1/prepayments` with this session: pay the charge until `good_until`, then leave."""
        stay = await prepayments.of_driver(tx, session, caller.id)
        if stay is None:
            raise UnknownSession("it is not yours, or it goes on no more", session=session)
        row = await price_stay(tx, self._shelf, stay)
        return Created(f"/v1/charges/{row['id']}", ChargeView.of(row))


async def whole(tx: Tx, shelf: TariffShelf, row: Row) -> SessionWhole:
    """The session in `row` with all that proves it."""
    proof = (await sql.evidence(tx, [row["id"]]))[row["id"]]
    so_far, now = None, None
    if row["state"] == State.OPEN:
        so_far = await _so_far(tx, shelf, row)
        stands = await standing(tx, row["car_park"], plate=row["plate"], color=row["color"], session=row["id"])
        now = CreditView.now(entry_decision(stands), tx.now)
    return SessionWhole.whole(row, proof, await sql.charges(tx, row["id"]), so_far=so_far, now=now)


async def _so_far(tx: Tx, shelf: TariffShelf, row: Row) -> SoFarView | None:
    policy = await policy_of(tx, row["car_park"])
    apart = timedelta(0)
    if policy.zone_time == "instead" and not row["zone"]:
        apart = min(await sql.apart_so_far(tx, row["id"]), tx.now - row["entry_at"])
    fee = await fee_so_far(tx, shelf, row, tx.now, apart=apart)
    return None if fee is None else so_far_of(fee, lines_of(fee), tx.now)
