"""A listing: what the owner of a private space lends, and where it stands. Pure.

proposed ──approve──▶ approved ◀──pause/resume──▶ paused
   │  └──refuse──▶ refused     │                    │
   └────────────── revoke ─────┴────────────────────┴──▶ revoked
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Final
from zoneinfo import ZoneInfo

from msgspec import Struct
from pydantic import TypeAdapter

from kernel.db import Row
from reservation.windows import Exception_, LentWindow, Span, lent_between

PLATFORM_SHARE_BP: Final = 500
"""What the platform keeps of a new listing's income: five hundredths."""
OWN_MAX: Final = 100
"""Listings of one owner that are not over: nobody owns more spaces, and every proposal is an operator's work."""


class ListingState(StrEnum):
    """Where a listing stands. Only what is approved is offered."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REFUSED = "refused"
    PAUSED = "paused"
    REVOKED = "revoked"


OPEN: Final = frozenset({ListingState.PROPOSED, ListingState.APPROVED, ListingState.PAUSED})
"""What its owner may still change."""


class Lent(Struct, frozen=True, kw_only=True):
    """What a listing says of when and for how much. `price_per_hour` in fen, shares in basis points."""

    windows: Sequence[LentWindow]
    exceptions: Sequence[Exception_]
    price_per_hour: int
    owner_share_bp: int
    notice_s: int

    @classmethod
    def of(cls, row: Row) -> "Lent":
        """As the table has it."""
        return cls(
            windows=_WINDOWS.validate_python(row["windows"]),
            exceptions=_EXCEPTIONS.validate_python(row["exceptions"]),
            price_per_hour=row["price_per_hour"],
            owner_share_bp=row["owner_share_bp"],
            notice_s=row["notice_s"],
        )

    def spans(self, time_zone: str, within: Span) -> list[Span]:
        """When the space is lent."""
        return lent_between(self.windows, self.exceptions, ZoneInfo(time_zone), within)

    @property
    def stored_windows(self) -> list[dict[str, Any]]:
        """As the table takes them."""
        return [window.model_dump(mode="json") for window in self.windows]

    @property
    def stored_exceptions(self) -> list[Any]:
        """As the table takes them."""
        stored: list[Any] = _EXCEPTIONS.dump_python(list(self.exceptions), mode="json", by_alias=True)
        return stored


_WINDOWS: Final = TypeAdapter(list[LentWindow])
_EXCEPTIONS: Final = TypeAdapter(list[Exception_])
