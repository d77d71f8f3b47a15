"""`/v1/charges`: what a driver owes, and what for."""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from billing.charge_lifecycle import State
from billing.dispute import dispute_charge_of
from billing.errors import AlreadyDisputed, ProofRefused, UnknownCharge, WrongState
from billing.http.charge_views import ChargeView, ChargeWhole, NewsView, PathCharge
from billing.sql import charge_lists as sql
from billing.sql import disputes
from billing.whose_vehicle import Proof, concerns
from contracts.ids import Slug
from kernel.db import Database, Row, Tx
from kernel.http import Caller, Cursor, Limit, Page, below_id, decode_cursor, operation, page_by
from kernel.moments import Moment
from kernel.rates import Limiter

READ: Final = frozenset({"read"})
PAY: Final = frozenset({"reserve"})
States = Annotated[list[State], Field(description="Only these.")]
DisputeKind = Literal["not_my_vehicle", "wrong_times", "wrong_price", "paid_already", "not_let_out", "other"]


class ProofIn(BaseModel):
    """That you drove the vehicle: where it drove in and when, within ten minutes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    car_park: Slug
    entered_at: Moment

    @property
    def proof(self) -> Proof:
        return Proof(self.car_park, self.entered_at)


class DisputeIn(BaseModel):
    """What is wrong with it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: Annotated[
        str,
        StringConstraints(
            min_length=1, max_length=1_000, strip_whitespace=True, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"
        ),
    ] = Field(description="In your own words.")
    kind: DisputeKind = "other"
    proof: ProofIn | None = Field(default=None, description="Of a vehicle for which you had no agreement then.")


class ChargesApi:
    """A driver's own charges."""

    def __init__(self, db: Database, guesses: Limiter) -> None:
        self._db = db
        self._guesses = guesses

    @operation(
        get="/v1/charges",
        summary="My charges",
        tags=("payments",),
        scopes=READ,
        responses={200: Page[ChargeView]},
    )
    async def list(
        self,
        caller: Caller,
        state: States = [],  # noqa: B006 - never changed
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Page[ChargeView]:
        """Of vehicles for which I had an agreement at the time, and of my reservations; newest first."""
        below = below_id(cursor)
        async with self._db.transaction(readonly=True) as tx:
            rows = await sql.page_of_driver(tx, caller.id, below=below, states=state or None, limit=limit + 1)
        return page_by("id", rows, limit, ChargeView.of)

    @operation(
        get="/v1/charges/events",
        summary="What happened to my charges",
        tags=("payments",),
        scopes=READ,
        responses={200: Page[NewsView]},
    )
    async def events(self, caller: Caller, limit: Limit = 50, cursor: Cursor = None) -> Page[NewsView]:
        """The latest first: `raised`, `reminded` (with its `level`), `accepted`, `paid`, `channel_failed`, `disputed`,
        `upheld`, `adjusted`, `voided`, `refunded`, `written_off`, and what else may come.
        """
        below = None if cursor is None else decode_cursor(cursor, int)[0]
        async with self._db.transaction(readonly=True) as tx:
            rows = await sql.news(tx, caller.id, below=below, limit=limit + 1)
        return page_by("number", rows, limit, NewsView.told)

    @operation(
        get="/v1/charges/{charge}",
        summary="One charge",
        tags=("payments",),
        scopes=READ,
        responses={200: ChargeWhole},
        problems=(UnknownCharge,),
    )
    async def one(self, caller: Caller, charge: PathCharge) -> ChargeWhole:
        """Line by line, with what proves it and what happened to it."""
        async with self._db.transaction(readonly=True) as tx:
            row = await sql.read(tx, charge, driver=None)
            if row is None or not await concerns(tx, row, caller.id):
                raise UnknownCharge(charge=charge)
            return await whole(tx, row)

    @operation(
        post="/v1/charges/{charge}/dispute",
        summary="Object to a charge",
        tags=("payments",),
        scopes=PAY,
        idempotent=True,
        responses={200: ChargeWhole},
        problems=(UnknownCharge, WrongState, AlreadyDisputed, ProofRefused),
    )
    async def dispute(self, tx: Tx, caller: Caller, charge: PathCharge, wanted: DisputeIn) -> ChargeWhole:
        """Nobody reminds you of it until its operator has looked at it. One that is paid already is paid back where
        you are right.
        """
        proof = None if wanted.proof is None else wanted.proof.proof
        if proof is not None:
            self._guesses.take(caller.principal)
        await dispute_charge_of(tx, charge, driver=caller.id, kind=wanted.kind, reason=wanted.reason, proof=proof)
        row = await sql.read(tx, charge, driver=None)
        assert row is not None, "it was objected to just now"  # noqa: S101
        return await whole(tx, row)


async def whole(tx: Tx, row: Row) -> ChargeWhole:
    """The charge in `row` with everything about it."""
    charge: str = row["id"]
    proofs = await sql.evidence(tx, [charge])
    return ChargeWhole.all_of(row, proofs[charge], await sql.events(tx, charge), await disputes.of_charge(tx, charge))
