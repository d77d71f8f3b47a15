"""Whose a fee is, and at whose cost it is given back. Pure; `refund_shares` and `settle_day` move the money.

The parts of owner and platform are basis points, the operator's is the rest: to the fen by the largest remainder, as
reservation's earnings page says it. What is given back, in one refund or in many, is a function of its sum alone
(`given_back`): no part is ever asked for more than it has, none gets anything back for itself, and a refund of all of
it is all of every part.
"""

from fractions import Fraction
from typing import Final

from msgspec import Struct
from msgspec.structs import astuple

from kernel.money import apportion

WHOLE_BP: Final = 10_000


class Parts(Struct, frozen=True):
    """Fen; the three are all of it. In this order: of what cannot be told apart, the first is first."""

    owner: int = 0
    operator: int = 0
    platform: int = 0

    @property
    def total(self) -> int:
        return self.owner + self.operator + self.platform

    def __sub__(self, other: "Parts") -> "Parts":
        return Parts(self.owner - other.owner, self.operator - other.operator, self.platform - other.platform)

    def __add__(self, other: "Parts") -> "Parts":
        return Parts(self.owner + other.owner, self.operator + other.operator, self.platform + other.platform)


NOTHING: Final = Parts()


def split(amount: int, *, owner_share_bp: int, platform_share_bp: int) -> Parts:
    """`amount` fen that was paid. Where owner's and platform's parts are more than the whole, the owner's is first."""
    platform_bp = min(platform_share_bp, WHOLE_BP - owner_share_bp)
    return Parts(*apportion(amount, (owner_share_bp, WHOLE_BP - owner_share_bp - platform_bp, platform_bp)))


def given_back(parts: Parts, refunded: int) -> Parts:
    """Of `parts`, what `refunded` fen in all cost each.

    Each within a fen of its ratio, and never less for a larger `refunded`: by the largest remainder a part may fall
    when the sum grows, by Webster's (Sainte-Lague's) it does not, and for three parts it also keeps within the fen
    (Balinski and Young, Fair Representation, 1982). Raises ValueError for more than there is.
    """
    if not 0 <= refunded <= parts.total:
        raise ValueError(f"{refunded} of {parts.total} cannot be given back")
    weights = astuple(parts)
    whole = max(1, parts.total)
    given = [refunded * weight // whole for weight in weights]
    for _ in range(refunded - sum(given)):
        place = max(range(3), key=lambda place: Fraction(weights[place], 2 * given[place] + 1))
        given[place] += 1
    return Parts(*given)
