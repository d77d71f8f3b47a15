"""An offer: a place for a window at a price, under terms, good until it expires. Pure.

It is told as a sealed token that only we can have made, so nothing of it is stored until somebody takes it. An offer
keeps its price and terms; it takes no space from others.
"""

from datetime import datetime, timedelta
from typing import Final

import msgspec
from msgspec import Struct

from reservation.policy import Terms
from reservation.signing import NotOurs, SigningKey

KIND: Final = "offer"
OFFER_CHARACTERS_MAX: Final = 1_024
"""Of a token: ids of 64 characters, a label of 32 and a dozen numbers are less than half of it."""


class Offer(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """`[begins, until)` at `car_park`: any of its pool, or the `space` of that label, which `listing` may lend.

    `price` in fen.
    """

    car_park: str
    space: str | None
    listing: str | None
    begins: datetime
    until: datetime
    expires_at: datetime
    price: int
    terms: Terms

    def token(self, key: SigningKey) -> str:
        """As it is told."""
        return key.seal(KIND, _ENCODER.encode((*msgspec.structs.astuple(self)[:-1], _numbers(self.terms))))


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(
    tuple[str, str | None, str | None, datetime, datetime, datetime, int, list[int]]
)


def offer_of(token: str, key: SigningKey) -> Offer:
    """What `Offer.token` gave. Raises NotOurs."""
    try:
        car_park, space, listing, begins, until, expires_at, price, numbers = _DECODER.decode(key.unsealed(KIND, token))
    except msgspec.DecodeError:
        raise NotOurs("an offer of another version") from None
    if len(numbers) != len(Terms.__struct_fields__):
        raise NotOurs("an offer of another version")
    terms = Terms(**dict(zip(Terms.__struct_fields__, numbers, strict=True)))
    return Offer(car_park, space, listing, begins, until, expires_at, price, terms)


def good_until(now: datetime, begins: datetime, *, offer: timedelta, notice: timedelta, late: timedelta) -> datetime:
    """When an offer made `now` is over: after `offer`, and at the latest when its window can no longer be booked,
    which is `notice` before it begins, or `late` after it where none is asked for.
    """
    return min(now + offer, begins - notice if notice else begins + late)


def _numbers(terms: Terms) -> list[int]:
    return [getattr(terms, name) for name in Terms.__struct_fields__]
