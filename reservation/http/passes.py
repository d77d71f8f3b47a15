"""The pass of a reservation, as text and as a QR code; its public keys; and the scanner at the car park."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from contracts.audit import RecordAudit
from contracts.ids import Label, LaneLabel
from contracts.orders import GiveOrder
from contracts.problems import UnknownLane
from kernel.db import Database, Row, Tx
from kernel.http import OPERATE, Caller, Raw, operation
from kernel.moments import Moment
from reservation.errors import PassRefused, UnknownReservation, WrongState
from reservation.http.reservations import READ, PathReservation
from reservation.http.views import ReservationView
from reservation.passes import IssuedPass, drawn, issue_pass
from reservation.scan_pass import Direction, scan_pass
from reservation.signing import TOKEN_CHARACTERS_MAX, SigningKey
from reservation.sql import reservations as sql

SVG = "image/svg+xml"
NOT_KEPT = {"Cache-Control": "no-store"}


class PassView(BaseModel):
    """Show `pass` as a QR code, or its picture, until `expires_at`; then ask for a new one."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, serialize_by_alias=True)

    token: str = Field(alias="pass", description="A compact JWS, `typ` berth-pass, EdDSA over Ed25519.")
    expires_at: Moment
    picture: str = Field(description="Where the same reservation's QR code is drawn.")


class PassKeys(BaseModel):
    """A JWK set (RFC 7517)."""

    model_config = ConfigDict(frozen=True)

    keys: list[dict[str, Any]]


class ScanIn(BaseModel):
    """What the scanner read."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    token: str = Field(alias="pass", min_length=1, max_length=TOKEN_CHARACTERS_MAX)
    direction: Direction = Direction.ENTRY
    lane: Label | None = Field(default=None, description="Its barrier opens for who may pass.")


class ScanView(BaseModel):
    """`outcome`: `checked_in`, `left`, or why the guest is not in: `too_early`, `no_room`, `not_confirmed`,
    `space_taken` (no equal space is free: the promise has ended, free of charge)."""

    model_config = ConfigDict(frozen=True)

    outcome: str
    reservation: ReservationView


class PassesApi:
    """For drivers, scanners and whoever verifies offline."""

    def __init__(self, db: Database, key: SigningKey, give_order: GiveOrder, record_audit: RecordAudit) -> None:
        self._db = db
        self._key = key
        self._give_order = give_order
        self._record_audit = record_audit

    @operation(
        get="/v1/reservations/{reservation}/pass",
        summary="The pass of a reservation",
        tags=("reservations",),
        scopes=READ,
        responses={200: PassView},
        problems=(UnknownReservation, WrongState),
    )
    async def one(self, caller: Caller, reservation: PathReservation) -> PassView:
        """A fresh one each time, good for a quarter of an hour, also without a network."""
        issued = await self._issued(caller, reservation)
        return PassView(
            token=issued.token, expires_at=issued.expires_at, picture=f"/v1/reservations/{reservation}/pass.svg"
        )

    @operation(
        get="/v1/reservations/{reservation}/pass.svg",
        summary="The pass as a QR code",
        tags=("reservations",),
        scopes=READ,
        responses={200: SVG},
        problems=(UnknownReservation, WrongState),
    )
    async def picture(self, caller: Caller, reservation: PathReservation) -> Raw:
        """As large as whoever shows it makes it."""
        issued = await self._issued(caller, reservation)
        return Raw(drawn(issued.token), SVG, headers=NOT_KEPT)

    @operation(
        get="/v1/passes/keys",
        summary="What passes are verified with",
        tags=("reservations",),
        responses={200: PassKeys},
    )
    async def keys(self) -> PassKeys:
        """Keep them, and verify offline: signature, `typ` berth-pass, `exp`, `car_park`."""
        return PassKeys.model_validate(self._key.public_keys)

    @operation(
        post="/v1/operator/passes/scan",
        summary="A pass was shown",
        tags=("operator",),
        scopes=OPERATE,
        idempotent=True,
        responses={200: ScanView},
        problems=(PassRefused, UnknownReservation, WrongState, UnknownLane),
    )
    async def scan(self, tx: Tx, caller: Caller, wanted: ScanIn) -> ScanView:
        """Check the guest in or out. A pass checks in once: what is shown again is told to be inside already."""
        scanned = await scan_pass(
            tx,
            self._key,
            self._give_order,
            self._record_audit,
            caller,
            token=wanted.token,
            direction=wanted.direction,
            lane=None if wanted.lane is None else LaneLabel(wanted.lane),
        )
        return ScanView(outcome=scanned.outcome, reservation=ReservationView.of(tx, scanned.row))

    async def _issued(self, caller: Caller, reservation: str) -> IssuedPass:
        async with self._db.transaction(readonly=True) as tx:
            row: Row | None = await sql.read(tx, reservation, driver=caller.id)
            if row is None:
                raise UnknownReservation(reservation=reservation)
            return issue_pass(tx, self._key, row)
