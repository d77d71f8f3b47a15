"""A car park's card: what is known of it beforehand, and its availability now.

`Card` is what the operations promise. A city of cards is served from parts that were rendered once: the static part
changes with the registry, the availability with a message, and only its age with the clock.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, Field

from contracts.availability import Availability
from contracts.ids import CarParkId
from contracts.positions import Datum, Position
from kernel.answers import dump
from kernel.db import Row
from occupancy.opening import Opening
from occupancy.quality import Quality


class Name(BaseModel):
    """A name in both languages; one that is known in a single language stands for both."""

    model_config = ConfigDict(frozen=True)

    zh: str
    en: str


class Entrance(BaseModel):
    """Where a driver is led to; `lane` is the lane behind it, when there is one."""

    model_config = ConfigDict(frozen=True)

    position: Position
    name: Name | None = None
    lane: str | None = None


class Card(BaseModel):
    """One car park as drivers see it. `distance_m` is from `near`; `height_cm` and `opening_hours` null: not known."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: Name
    operator: str
    district: str | None
    kind: str
    position: Position
    distance_m: int | None = Field(default=None, ge=0)
    address: str | None
    entrances: list[Entrance]
    opening_hours: str | None
    time_zone: str
    height_cm: int | None
    features: list[str]
    tariff_summary: Name | None
    capacity: int
    reservable: int
    closed_reason: str | None
    measured_by: str
    quality: int | None = Field(
        ge=0, le=100, description="How far its data is to be trusted, 100 being best; null: not rated yet."
    )
    online: bool | None = Field(description="Whether the car park's own gateway is connected; null: it never said.")
    availability: Availability


class QualityReason(BaseModel):
    """Why the quality is not 100: `points` lost, by a `measure` (a share, or seconds of latency)."""

    model_config = ConfigDict(frozen=True)

    code: str
    points: float
    measure: float
    text: Name

    @classmethod
    def all_of(cls, quality: Quality | None) -> list["QualityReason"]:
        """Dearest first; none where nothing was rated."""
        told = []
        for reason in () if quality is None else quality.reasons:
            zh, en = reason.said()
            told.append(cls(code=reason.code, points=reason.points, measure=reason.measure, text=Name(zh=zh, en=en)))
        return told


class CarParkCard(Card):
    """A card by itself, which also says what `quality` is made of: 100 less the points of the reasons, 0 at least."""

    quality_reasons: list[QualityReason]


class CardPage(BaseModel):
    """Cards, nearest first when `near` was given, by id otherwise."""

    model_config = ConfigDict(frozen=True)

    items: list[Card]
    next: str | None = None


class Entry:
    """One car park on the board: its card in parts and what one searches by."""

    __slots__ = (
        "_age_at",
        "_prefix",
        "_row",
        "_static",
        "_suffix",
        "_turns_stale_at",
        "availability",
        "capacity",
        "district",
        "id",
        "kind",
        "lat",
        "lon",
        "name_en",
        "name_zh",
        "opening",
        "quality",
        "time_zone",
        "words",
    )

    def __init__(self, row: Row, availability: Availability, stale_after: timedelta) -> None:
        self.id = CarParkId(row["id"])
        self.district: str | None = row["district"]
        self.kind: str = row["kind"]
        self.capacity: int = row["capacity"]
        self.name_zh: str = row["name_zh"]
        self.name_en: str = row["name_en"]
        self.time_zone: str = row["time_zone"]
        self.lat: float = row["lat"]
        self.lon: float = row["lon"]
        self.words = "\n".join(
            str(row[field] or "") for field in ("id", "name_zh", "name_en", "address", "district")
        ).casefold()
        self.opening = Opening(closed=row["closed"], opening_hours=row["opening_hours"], time_zone=row["time_zone"])
        self.quality: Quality | None = None
        """As of the board's last reading."""
        self._row = row
        self._static: dict[Datum, bytes] = {}
        self.take(availability, stale_after)

    def take(self, availability: Availability, stale_after: timedelta) -> None:
        """Show `availability` from now on."""
        self.availability = availability
        plain: dict[str, Any] = orjson.loads(dump(availability))
        fields = list(plain)
        split = fields.index("age_s")
        self._prefix = orjson.dumps({field: plain[field] for field in fields[:split]})[:-1] + b',"age_s":'
        self._suffix = b"," + orjson.dumps({field: plain[field] for field in fields[split + 1 :]})[1:]
        self._age_at = None if availability.as_of is None else availability.as_of.timestamp()
        fresh = availability.as_of is not None and not availability.stale
        self._turns_stale_at = (
            self._age_at + stale_after.total_seconds() if fresh and self._age_at is not None else None
        )

    def shows(self, availability: Availability) -> bool:
        """Whether `availability` is what is shown already, but for its age."""
        unaged = {"age_s": self.availability.age_s}
        return availability.model_copy(update=unaged) == self.availability

    def look(self, now: datetime, stale_after: timedelta) -> bool:
        """Let the clock turn it stale; whether it just did."""
        if self._turns_stale_at is None or now.timestamp() <= self._turns_stale_at:
            return False
        self.take(self.availability.seen_at(now, stale_after=stale_after), stale_after)
        return True

    @property
    def district_key(self) -> str:
        """The district as it is asked for, in whatever case; "" for none."""
        return (self.district or "").casefold()

    @property
    def is_known(self) -> bool:
        """Whether its numbers may be added to others': heard of, not stale and known for most of its spaces."""
        told = self.availability
        return told.occupied is not None and not told.stale and told.state != "unknown"

    @property
    def countable_free(self) -> int | None:
        """Spaces known to be free that somebody may drive to; None when stale, unknown or closed."""
        if not self.is_known or self.availability.state == "closed":
            return None
        return self.availability.countable

    @property
    def fullness(self) -> float | None:
        """Occupied over what is known of the capacity, above 1 when overfull; None when neither may be counted on."""
        told = self.availability
        known = told.capacity - told.never_heard
        return told.occupied / known if self.is_known and told.occupied is not None and known > 0 else None

    def availability_json(self, now_s: float) -> bytes:
        """The availability as JSON; `now_s` is the time in seconds since 1970."""
        age = b"null" if self._age_at is None else b"%d" % max(0, int(now_s - self._age_at))
        return self._prefix + age + self._suffix

    def card_json(self, now_s: float, datum: Datum, distance_m: int | None, *, reasons: bool = False) -> bytes:
        """The card as JSON, also with the `reasons` for its quality."""
        static = self._static.get(datum)
        if static is None:
            static = self._static[datum] = _static_json(self._row, datum)
        distance = b"null" if distance_m is None else b"%d" % distance_m
        online = orjson.dumps(self.availability.online)
        score = b"null" if self.quality is None else b"%d" % self.quality.score
        why = b',"quality_reasons":' + dump(QualityReason.all_of(self.quality)) if reasons else b""
        parts = (static, b',"distance_m":', distance, b',"quality":', score, why, b',"online":', online)
        return b"".join((*parts, b',"availability":', self.availability_json(now_s), b"}"))


def _static_json(row: Row, datum: Datum) -> bytes:
    """The part of the card that only the registry changes, without its closing brace."""
    card = {
        "id": row["id"],
        "name": {"zh": row["name_zh"], "en": row["name_en"]},
        "operator": row["operator"],
        "district": row["district"],
        "kind": row["kind"],
        "position": Position.of(row["lat"], row["lon"], datum),
        "address": row["address"],
        "entrances": [_entrance(entrance, datum) for entrance in row["entrances"]],
        "opening_hours": row["opening_hours"],
        "time_zone": row["time_zone"],
        "height_cm": row["height_cm"],
        "features": row["features"],
        "tariff_summary": row["tariff_summary"],
        "capacity": row["capacity"],
        "reservable": row["reservable"],
        "closed_reason": row["closed_reason"],
        "measured_by": row["measured_by"],
    }
    return dump(card)[:-1]


def _entrance(stored: Mapping[str, Any], datum: Datum) -> dict[str, Any]:
    return {
        "position": Position.of(stored["lat"], stored["lon"], datum),
        "name": stored.get("name"),
        "lane": stored.get("lane"),
    }
