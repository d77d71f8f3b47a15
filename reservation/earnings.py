"""What a promise on a lent space brings, and whose it is. Pure; billing's ledger takes over when there is one.

The price while the stay is expected or over, and the fee of overstaying with it; of a promise that was cancelled or of
a driver who never came, the fee alone. The parts of owner and platform are basis points, the operator's is the rest.
To the fen: each part is rounded down, and the fen that are left go one each to the largest remainders; of equal ones
the owner's is first, then the operator's, then the platform's. Nothing is paid out before `HELD_FOR` after the stay.
"""

from datetime import datetime
from enum import StrEnum
from typing import Final

from msgspec import Struct

from contracts.promises import OWNERS_MONEY_HELD_FOR
from kernel.money import apportion
from reservation.lifecycle import Promise, State

WHOLE: Final = 10_000
HELD_FOR: Final = OWNERS_MONEY_HELD_FOR


class Standing(StrEnum):
    """Whether money is there yet."""

    EXPECTED = "expected"
    HELD = "held"
    AVAILABLE = "available"


class Split(Struct, frozen=True):
    """Fen; the three are all of it."""

    owner: int
    operator: int
    platform: int

    @property
    def total(self) -> int:
        return self.owner + self.operator + self.platform


class Earning(Struct, frozen=True, kw_only=True):
    """Of one promise, in fen."""

    price: int
    fee: int
    split: Split
    standing: Standing
    available_at: datetime | None
    """Known once the stay is over."""


def split(amount: int, *, owner_share_bp: int, platform_share_bp: int) -> Split:
    """`amount` fen, to the fen. Where owner's and platform's parts are more than the whole, the owner's is first."""
    if amount < 0 or not 0 <= owner_share_bp <= WHOLE or platform_share_bp < 0:
        raise ValueError("shares are of a whole, and money is not negative")
    platform_bp = min(platform_share_bp, WHOLE - owner_share_bp)
    return Split(*apportion(amount, (owner_share_bp, WHOLE - owner_share_bp - platform_bp, platform_bp)))


def earning(promise: Promise, price: int, now: datetime, *, owner_share_bp: int, platform_share_bp: int) -> Earning:
    """Of `promise` as it is `now`, for which `price` was agreed."""
    is_stay = promise.state in (State.HELD, State.CONFIRMED, State.CHECKED_IN, State.COMPLETED)
    charged = price if is_stay else 0
    available_at = None if promise.ended_at is None else promise.ended_at + HELD_FOR
    if available_at is None:
        standing = Standing.EXPECTED
    else:
        standing = Standing.AVAILABLE if now >= available_at else Standing.HELD
    return Earning(
        price=charged,
        fee=promise.fee,
        split=split(charged + promise.fee, owner_share_bp=owner_share_bp, platform_share_bp=platform_share_bp),
        standing=standing,
        available_at=available_at,
    )
