"""Money is a whole number of minor units (fen); there is no float anywhere near it."""

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
