"""What a hold is asked with: a place and a window, or an offer that says both and keeps its price and terms."""

from datetime import datetime
from typing import Annotated

from msgspec import Struct
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from contracts.ids import Slug
from contracts.vehicles import Vehicle
from kernel.edge_problems import MalformedBody
from kernel.faults import Fault, fault
from kernel.moments import Moment, wire_time
from reservation.errors import OfferOver
from reservation.offer import OFFER_CHARACTERS_MAX, Offer, offer_of
from reservation.place import PlaceIn
from reservation.signing import NotOurs, SigningKey
from reservation.stay import Quoted, Stay


class Asked(Struct, frozen=True):
    """Where, when and for which vehicle; with an `offer`, for how much."""

    place: PlaceIn
    stay: Stay
    offer: Offer | None = None

    @property
    def quoted(self) -> Quoted | None:
        """What was offered."""
        return None if self.offer is None else Quoted(self.offer.terms, self.offer.price)

    def check(self, listing: str | None) -> None:
        """That the hold is of what was offered. Raises OfferOver when the space was lent or taken back meanwhile."""
        if self.offer is not None and listing != self.offer.listing:
            raise OfferOver("who lends the space has changed since: ask for new offers", car_park=self.offer.car_park)


class HoldIn(BaseModel):
    """`offer`, as `/v1/offers` gave it; or `car_park`, a `space`, or both, with `from` and `until`. What is said beside
    an offer must be what it says.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    offer: Annotated[str, StringConstraints(max_length=OFFER_CHARACTERS_MAX)] | None = None
    car_park: Slug | None = Field(default=None, description="Any reservable space of it, or the `space` in it.")
    space: str | None = Field(
        default=None,
        max_length=97,
        description="A numbered or shared one; alone if no other car park has its label, or as `car_park/space`.",
        examples=["B1-032"],
    )
    begins: Moment | None = Field(default=None, alias="from", description="The window is `[from, until)`.")
    until: Moment | None = None
    vehicle: Vehicle

    @model_validator(mode="after")
    def _whole(self) -> "HoldIn":
        if self.begins is not None and self.until is not None and self.begins >= self.until:
            raise PydanticCustomError("window", "until must be later than from")
        if self.offer is not None:
            return self
        if self.car_park is None and self.space is None:
            raise PydanticCustomError("place", "name a car_park, a space, or both; or an offer")
        if self.begins is None or self.until is None:
            raise PydanticCustomError("window", "from and until are required where no offer says them")
        return self

    def asked(self, key: SigningKey, now: datetime) -> Asked:
        """Raises MalformedBody for an offer that is none of ours or is contradicted, OfferOver for one that expired."""
        if self.offer is not None:
            return self._offered(self.offer, key, now)
        if self.begins is None or self.until is None:
            raise MalformedBody.of("from", "is required")
        place = PlaceIn.model_construct(car_park=self.car_park, space=self.space)
        return Asked(place, Stay(self.vehicle, self.begins, self.until))

    def _offered(self, token: str, key: SigningKey, now: datetime) -> Asked:
        try:
            offer = offer_of(token, key)
        except NotOurs:
            raise MalformedBody.of("offer", "is none of ours: send one as /v1/offers gave it") from None
        if contradictions := list(self._contradictions(offer)):
            raise MalformedBody.all(contradictions)
        if now >= offer.expires_at:
            expired = wire_time(offer.expires_at)
            raise OfferOver(f"it was good until {expired}: ask /v1/offers anew", expires_at=expired)
        place = PlaceIn.model_construct(car_park=offer.car_park, space=offer.space)
        return Asked(place, Stay(self.vehicle, offer.begins, offer.until), offer)

    def _contradictions(self, offer: Offer) -> list[Fault]:
        """What is said beside the offer and is not what it says."""
        label, where = self.space, self.car_park
        if label is not None and "/" in label:
            within, _, label = label.partition("/")
            where = where or within
        faults = []
        for field, said, offered in (
            ("car_park", where, offer.car_park),
            ("space", label, offer.space),
            ("from", self.begins, offer.begins),
            ("until", self.until, offer.until),
        ):
            if said is not None and said != offered:
                shown = wire_time(offered) if isinstance(offered, datetime) else offered or "any space"
                faults.append(fault("body", field, f"the offer says {shown}: leave it out"))
        return faults
