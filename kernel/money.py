"""Money is a whole number of minor units (fen); there is no float anywhere near it."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

AMOUNT_MINOR_MAX = 10**12
"""Ten billion yuan: more than any city settles in a day, far below what a bigint or a JSON double holds exactly."""

MinorUnits = Annotated[int, Field(strict=True, ge=-AMOUNT_MINOR_MAX, le=AMOUNT_MINOR_MAX)]


class Money(BaseModel):
    """`{"amount": 1200, "currency": "CNY"}` is twelve yuan."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    amount: MinorUnits
    currency: Literal["CNY"] = "CNY"


def apportion(amount: int, weights: Sequence[int]) -> list[int]:
    """`amount` fen in parts like `weights`, which are not negative, by the largest remainder: the parts are all of it.

    Each part is rounded down, and the fen that are left go one each to the largest remainders, of equal ones to the
    first. Raises ValueError for a negative amount or weight, and for an amount that nobody has a part in.
    """
    whole = sum(weights)
    if amount < 0 or min(weights, default=0) < 0 or (amount and not whole):
        raise ValueError("money is not negative, weights are not either, and somebody has a part")
    parts = [amount * weight // whole if whole else 0 for weight in weights]
    remainders = [amount * weight % whole if whole else 0 for weight in weights]
    for place in sorted(range(len(parts)), key=lambda place: -remainders[place])[: amount - sum(parts)]:
        parts[place] += 1
    return parts
