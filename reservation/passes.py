"""The pass: what a guest shows where no camera reads his plate. Signed, short-lived, verified without asking anybody.

A compact JWS (`reservation.signing`) whose payload has the registered claims of a JWT: whoever has the public keys can
check it offline, with any JWT library. As a QR code it is an SVG of some kilobytes.
"""

from datetime import datetime, timedelta
from io import BytesIO
from typing import Final

import msgspec
import segno
from msgspec import Struct

from kernel.db import Row, Tx
from kernel.ids import new_id
from reservation.errors import PassRefused, WrongState
from reservation.lifecycle import State
from reservation.signing import NotOurs, SigningKey
from reservation.steps import seen_now

KIND: Final = "berth-pass"
LASTS: Final = timedelta(minutes=15)
"""A guest who has one may be without a network for so long; a copy of it is worth nothing afterwards."""
SKEW: Final = timedelta(seconds=30)
"""Between our own processes."""


class Pass(Struct, frozen=True, kw_only=True):
    """What is signed. Times in whole seconds since 1970 (RFC 7519); `sub` is the reservation."""

    jti: str
    sub: str
    iat: int
    exp: int
    car_park: str
    space: str | None
    plate: str
    color: str
    begins: int
    until: int


class IssuedPass(Struct, frozen=True):
    """The pass as it is shown, and until when."""

    token: str
    expires_at: datetime


def issue_pass(tx: Tx, key: SigningKey, row: Row) -> IssuedPass:
    """For whoever is promised something, or inside. Raises WrongState."""
    promise = seen_now(tx, row)
    if promise.state not in (State.CONFIRMED, State.CHECKED_IN):
        raise WrongState(
            f"{row['id']} is {promise.state}: only a confirmed one has a pass",
            reservation=row["id"],
            state=promise.state,
        )
    expires_at = (tx.now + LASTS).replace(microsecond=0)
    made = Pass(
        jti=new_id("pas", tx.now),
        sub=row["id"],
        iat=int(tx.now.timestamp()),
        exp=int(expires_at.timestamp()),
        car_park=row["car_park"],
        space=row["space_label"],
        plate=row["plate"],
        color=row["color"],
        begins=int(row["begins"].timestamp()),
        until=int(row["until"].timestamp()),
    )
    return IssuedPass(key.sign(KIND, msgspec.json.encode(made)), expires_at)


def verify_pass(key: SigningKey, token: str, now: datetime) -> Pass:
    """Raises PassRefused for what we did not sign, or no longer stand for."""
    try:
        shown = msgspec.json.decode(key.verified(KIND, token), type=Pass)
    except (NotOurs, msgspec.DecodeError) as wrong:
        raise PassRefused("it was not issued here, or was changed since", reason="not_ours") from wrong
    if now.timestamp() >= shown.exp or now.timestamp() < shown.iat - SKEW.total_seconds():
        raise PassRefused("it has run out: the driver's app shows a new one", reason="expired")
    return shown


def drawn(token: str) -> bytes:
    """The QR code of a pass, as an SVG document without a size of its own."""
    out = BytesIO()
    segno.make(token, error="m", micro=False).save(
        out, kind="svg", border=4, omitsize=True, xmldecl=False, light="#fff"
    )
    return out.getvalue()
