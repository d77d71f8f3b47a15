"""Codes of coupons: how they are spelt and made, and what holds whoever shows some for a quote."""

import re
import secrets
from collections.abc import Sequence
from typing import Annotated, Final

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from billing.errors import CouponNotGood
from billing.sql import coupons as sql
from billing.tariffs.concession import Held
from kernel.db import Row, Tx

_LETTERS: Final = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Without those that are taken for one another when they are read from a slip of paper."""
_LENGTH: Final = 12
"""Fifty-nine bits: with what one address may ask in a second, nobody guesses one that is good."""
_CODE: Final = re.compile(r"[A-Z0-9]{4,32}")


def _spelt(given: str) -> str:
    code = re.sub(r"[\s-]", "", given).upper()
    if not _CODE.fullmatch(code):
        raise PydanticCustomError("code", "a code is 4 to 32 letters and digits; spaces and hyphens are passed over")
    return code


Code = Annotated[
    str,
    Field(max_length=64, examples=["7K4M-PQ2R-9TXB"], description="Case, spaces and hyphens are passed over."),
    AfterValidator(_spelt),
]


def new_code() -> str:
    """That nobody guesses."""
    return "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))


async def good_coupon(tx: Tx, car_park: str, code: str) -> Row:
    """The coupon, which may be used there now, once more at least. Raises CouponNotGood."""
    row = await sql.by_code(tx, car_park, code)
    if row is None or row["uses"] >= row["uses_max"]:
        raise CouponNotGood(code=code, car_park=car_park)
    return row


async def held_by_codes(tx: Tx, car_park: str, codes: Sequence[str]) -> list[Held]:
    """What whoever has these codes would show; none is used by it. Raises CouponNotGood."""
    rows = [await good_coupon(tx, car_park, code) for code in dict.fromkeys(codes)]
    return [Held(concession=row["concession"], minutes=row["minutes"], amount=row["amount"]) for row in rows]
