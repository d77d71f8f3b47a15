"""What a feed is read into: accepted and refused records; and the row, neutral between formats, that they come from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

FormatName = Literal["geojson", "csv", "parkapi", "parkapi-lots", "basel", "freiburg", "datex2-static", "datex2-status"]


@dataclass(frozen=True, slots=True)
class Site:
    """The static part of a record: a car park of somebody else's. Degrees in WGS-84; one name may stand for both."""

    uid: str
    name_zh: str
    name_en: str
    lat: float
    lon: float
    capacity: int
    kind: str | None = None
    address: str | None = None
    opening_hours: str | None = None
    height_cm: int | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """The live part of a record. `occupied` or `free` is there, or `closed` says it all; `at` None = now."""

    uid: str
    free: int | None
    occupied: int | None
    capacity: int | None
    at: datetime | None
    closed: bool | None


@dataclass(frozen=True, slots=True)
class Accepted:
    """A record, or one part of it, that can be used. `index` counts the feed's records from 0."""

    index: int
    uid: str
    site: Site | None = None
    reading: Reading | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """A record, or one field of it, that cannot be used: which, why (a slug) and in words.

    `index` -1 is the feed as a whole; `id` is the feed's own and `field` is named as the feed names it.
    """

    index: int
    id: str | None
    field: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed that was read: what it is, whose it seems to be, what is in it."""

    format: FormatName | None
    operator: str | None
    records: Sequence[Accepted | Refused]


@dataclass(frozen=True, slots=True)
class FeedOptions:
    """What the importer says about a feed: the zone of times without offset, the projection of undeclared metres."""

    zone: ZoneInfo
    epsg: int | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One record with its values as the feed wrote them, under neutral names; None = not there.

    `names` gives the feed's own name of a field for refusals. `is_static` rows describe a car park, `is_live` rows say
    how full it is; one may do both.
    """

    index: int
    uid: Any = None
    name: Any = None
    name_en: Any = None
    lat: Any = None
    lon: Any = None
    capacity: Any = None
    free: Any = None
    occupied: Any = None
    live_capacity: Any = None
    at: Any = None
    closed: bool | None = None
    kind: Any = None
    address: Any = None
    opening_hours: Any = None
    height_cm: Any = None
    url: Any = None
    is_static: bool = True
    is_live: bool = True
    epsg: int | None = None
    zone: ZoneInfo | None = None
    names: Mapping[str, str] = field(default_factory=dict)


class Bad(Exception):
    """A value of a row that cannot be used; never leaves this package."""

    def __init__(self, field: str, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.field = field
        self.reason = reason
        self.detail = detail
