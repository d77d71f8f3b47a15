"""What a settlement, or an owner's month, comes to: charge by charge, as the papers show it. Pure.

`statement_csv` and `statement_page` write it down. Amounts are fen here and yuan with two decimals on paper.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final

from msgspec import Struct
from msgspec.structs import asdict


class Language(StrEnum):
    """Of a paper."""

    ZH = "zh"
    EN = "en"


class Figures(Struct, frozen=True, kw_only=True):
    """`net` is the operator's: what was paid, less all that was given back, or is somebody else's."""

    payments: int = 0
    refunds: int = 0
    gross: int = 0
    refunded: int = 0
    owners: int = 0
    platform: int = 0
    fees: int = 0
    losses: int = 0

    @property
    def net(self) -> int:
        return self.gross - self.refunded - self.owners - self.platform - self.fees - self.losses

    def __add__(self, other: "Figures") -> "Figures":
        sums = {name: value + getattr(other, name) for name, value in asdict(self).items()}
        return Figures(**sums)


AMOUNTS: Final = ("gross", "refunded", "owners", "platform", "fees", "losses", "net")
"""In the order of a paper's columns."""


class Item(Struct, frozen=True, kw_only=True):
    """What one charge moved in the settlement."""

    charge: str
    kind: str
    car_park: str
    vehicle: str
    begins: datetime
    ends: datetime
    channel: str
    figures: Figures


class Place(Struct, frozen=True):
    """What one car park took through one channel."""

    car_park: str
    channel: str
    figures: Figures


class Statement(Struct, frozen=True, kw_only=True):
    """Of an operator's business day. Times are shown in `zone`, the city's (an IANA name)."""

    settlement: str
    operator: str
    operator_name: str
    day: str
    state: str
    zone: str
    made_at: datetime
    paid: int | None
    places: Sequence[Place]
    items: Sequence[Item]

    @property
    def total(self) -> Figures:
        return sum((place.figures for place in self.places), Figures())


class Share(Struct, frozen=True, kw_only=True):
    """Of a charge for a lent space: what it brings its owner."""

    charge: str
    kind: str
    car_park: str
    begins: datetime
    ends: datetime
    paid: int
    refunded: int
    owner: int
    standing: str
    available_at: datetime


class OwnerStatement(Struct, frozen=True, kw_only=True):
    """Of a month, by the city's calendar: the stays that ended in it."""

    month: str
    zone: str
    made_at: datetime
    shares: Sequence[Share]

    def sum_of(self, standing: str) -> int:
        """Fen."""
        return sum(share.owner for share in self.shares if share.standing == standing)


def yuan(fen: int) -> str:
    """1230 -> `12.30`, -5 -> `-0.05`."""
    whole = abs(fen)
    return f"{'-' if fen < 0 else ''}{whole // 100}.{whole % 100:02d}"
