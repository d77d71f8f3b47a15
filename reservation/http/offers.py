"""`GET /v1/offers`: what can be reserved for a window, with price and terms."""

from datetime import timedelta
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from contracts.ids import Slug
from contracts.near import InDatum, Near, parse_near
from contracts.positions import Datum, Position
from kernel.db import Database
from kernel.http import Cursor, InvalidParameter, Moment, Page, decode_cursor, encode_cursor, operation
from kernel.money import AMOUNT_MINOR_MAX, Money
from reservation.errors import UnknownCarPark
from reservation.find_offers import Found, find_offers
from reservation.http.views import TermsView
from reservation.place import LATE_REQUEST
from reservation.signing import SigningKey
from reservation.sql.offers import Asked, Sort
from reservation.walk import DETOUR, METRES_PER_SECOND, walk_m, walk_s

RADIUS_M: Final = 5_000
"""Where nobody says how far: a quarter of an hour by bicycle."""
WINDOW_MAX: Final = timedelta(days=30)
"""No policy allows a longer stay; a window is looked at minute by minute."""

_INT_MAX: Final = 2**31 - 1

Radius = Annotated[
    float | None, Field(gt=0, le=100_000, description=f"Only this close to `near`; {RADIUS_M:,} unless said.")
]
SpaceOf = Annotated[
    str | None, Field(min_length=1, max_length=32, description="Only this numbered or shared space of `car_park`.")
]
Height = Annotated[
    int | None,
    Field(ge=1, le=10_000, description="Of the vehicle: only car parks that are known to be this high."),
]
Features = Annotated[
    list[str],
    Field(description="Only car parks (of a numbered or shared space: only spaces) that have all of these features."),
]
SortBy = Annotated[
    Sort, Field(description="By distance, car park and space; or first by what an hour costs, and then so.")
]


class OfferName(BaseModel):
    """Of the car park, in both languages."""

    model_config = ConfigDict(frozen=True)

    zh: str
    en: str


class OfferView(BaseModel):
    """A place for the whole window. It is nobody's until it is held: `left` of them were there a moment ago."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, serialize_by_alias=True)

    offer: str = Field(description="What `POST /v1/reservations` takes: it keeps this price and these terms.")
    expires_at: Moment
    car_park: str
    space: str | None = Field(description="Null: any reservable space.")
    listing: str | None = Field(description="Who lends the space, when it is a shared one.")
    name: OfferName
    position: Position
    distance_m: int | None = Field(ge=0, description="From `near`, in a straight line.")
    walk_m: int | None = Field(ge=0, description=f"On foot: `distance_m` times {DETOUR}.")
    walk_s: int | None = Field(ge=0, description=f"On foot, at {METRES_PER_SECOND} m/s.")
    begins: Moment = Field(alias="from")
    until: Moment
    price: Money
    terms: TermsView
    left: int = Field(ge=1, description="How many can still be promised for the whole window.")

    @classmethod
    def of(cls, found: Found, key: SigningKey, datum: Datum) -> "OfferView":
        offer, metres = found.offer, found.distance_m
        return cls(
            offer=offer.token(key),
            expires_at=offer.expires_at,
            car_park=offer.car_park,
            space=offer.space,
            listing=offer.listing,
            name=OfferName(zh=found.name_zh, en=found.name_en),
            position=Position.of(found.lat, found.lon, datum),
            distance_m=metres,
            walk_m=None if metres is None else walk_m(metres),
            walk_s=None if metres is None else walk_s(metres),
            begins=offer.begins,
            until=offer.until,
            price=Money(amount=offer.price),
            terms=TermsView.of(offer.terms, offer.begins, offer.until, offer.price),
            left=found.left,
        )


class OffersApi:
    """Searches, and seals what it finds."""

    def __init__(self, db: Database, key: SigningKey) -> None:
        self._db = db
        self._key = key

    @operation(
        get="/v1/offers",
        summary="What can be reserved",
        tags=("reservations",),
        responses={200: Page[OfferView]},
        problems=(UnknownCarPark,),
    )
    async def find(
        self,
        from_: Moment,
        until: Moment,
        *,
        near: Near = None,
        radius_m: Radius = None,
        car_park: Slug | None = None,
        space: SpaceOf = None,
        height_cm: Height = None,
        feature: Features = [],  # noqa: B006 - never changed
        sort: SortBy = "distance",
        limit: Annotated[int, Field(ge=1, le=200, description="Items on a page.")] = 50,
        cursor: Cursor = None,
        datum: InDatum = Datum.WGS84,
    ) -> Page[OfferView]:
        """Near a place, or at a car park: pools and shared spaces that are free for the whole of `[from, until)`."""
        if near is None and car_park is None:
            raise InvalidParameter.of("query", "near", "say where: near=lat,lon, or car_park")
        if radius_m is not None and near is None:
            raise InvalidParameter.of("query", "radius_m", "needs `near`: write near=lat,lon as well")
        if space is not None and car_park is None:
            raise InvalidParameter.of("query", "space", "needs `car_park`: labels are painted everywhere")
        self._check(from_, until)
        asked = Asked(
            begins=from_,
            until=until,
            near=None if near is None else parse_near(near, datum),
            radius_m=radius_m or (RADIUS_M if near is not None and car_park is None else None),
            car_park=car_park,
            space=space,
            height_cm=height_cm,
            features=tuple(feature),
            sort=sort,
            after=_after(cursor),
            limit=limit + 1,
        )
        async with self._db.transaction(readonly=True) as tx:
            found = await find_offers(tx, asked)
        shown = found[:limit]
        return Page(
            items=[OfferView.of(one, self._key, datum) for one in shown],
            next=encode_cursor(*shown[-1].key) if len(found) > limit else None,
        )

    def _check(self, begins: Moment, until: Moment) -> None:
        if until <= begins:
            raise InvalidParameter.of("query", "until", "must be later than `from`")
        if until - begins > WINDOW_MAX:
            raise InvalidParameter.of("query", "until", f"is more than {WINDOW_MAX.days} days after `from`")
        if begins < self._db.clock.now() - LATE_REQUEST:
            raise InvalidParameter.of("query", "from", "must not be in the past")


def _after(cursor: str | None) -> tuple[int, int, str, int]:
    """The key after which the page begins. Raises InvalidParameter."""
    if cursor is None:
        return (-1, -1, "", 0)
    rank, metres, car_park, space = decode_cursor(cursor, int, int, str, int)
    return min(rank, AMOUNT_MINOR_MAX), min(metres, _INT_MAX), car_park, min(space, _INT_MAX)
