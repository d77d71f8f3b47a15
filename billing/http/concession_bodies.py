"""What permits and coupons have in common over REST."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from contracts.ids import Slug
from kernel.db import Row, Tx

CarParks = Annotated[list[Slug], Field(min_length=1, max_length=200, description="Of one operator.")]
ConcessionId = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$"),
    Field(description="The id of a concession of the tariffs of all these car parks.", examples=["staff"]),
]
Name = Annotated[
    str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True, pattern=r"^[^\x00-\x1f\x7f]*$")
]
Uses = Annotated[int, Field(ge=1, le=1_000_000)]
Status = Literal["valid", "to_come", "over", "ended"]


def status_of(tx: Tx, row: Row) -> Status:
    """Of a permit or a coupon, by the time now."""
    if row["ended_at"] is not None:
        return "ended"
    if row["valid_from"] > tx.now:
        return "to_come"
    return "valid" if row["valid_until"] is None or row["valid_until"] > tx.now else "over"
