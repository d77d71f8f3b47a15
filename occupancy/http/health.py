"""`/v1/operator/health` and what belongs to it: how good my data is, why, and which device needs a visit."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from contracts.ids import CarParkId, Slug
from kernel.db import Database, Row
from kernel.http import Caller, Page, decode_cursor, encode_cursor, operation
from occupancy.card import Name, QualityReason
from occupancy.errors import UnknownCarPark
from occupancy.health import HealthHour, added, latency_s
from occupancy.health_steps import judging_of
from occupancy.quality import WINDOW_H
from occupancy.settings import OccupancySettings
from occupancy.sql import devices as device_sql
from occupancy.sql import health as sql
from occupancy.sql import health_reading as reading

OPERATE: Final = frozenset({"operate"})
LIMIT_MAX: Final = 1_000

Limit = Annotated[int, Field(ge=1, le=LIMIT_MAX)]
Cursor = Annotated[str | None, Field(description="The `next` of the page before, with the same filters.")]
Share = Annotated[float | None, Field(ge=0, le=1)]


class Figures(BaseModel):
    """What was seen of the data: `received` = `stored` + `duplicate` + `late` + `rejected` events.

    `gaps` in the sequence numbers and the `lost` words in them; words whose clock ran ahead; how long half and 95 % of
    the live words took from the device. Shares are means over the time: `dark` (no live data), of the sensors `silent`,
    `flapping` or with an `open_gap`, of the capacity `unknown`, and of the time `overfull` (more cars than spaces).
    Null where there was nothing to see.
    """

    model_config = ConfigDict(frozen=True)

    received: int
    stored: int
    duplicate: int
    late: int
    rejected: int
    gaps: int
    lost: int
    clock_ahead: int
    latency_p50_s: float | None
    latency_p95_s: float | None
    dark_share: Share
    silent_share: Share
    flapping_share: Share
    open_gap_share: Share
    unknown_share: Share
    overfull_share: Share

    @classmethod
    def of(cls, hour: HealthHour, **more: object) -> "Figures":
        return cls.model_validate(
            {
                "received": hour.received,
                "stored": hour.stored,
                "duplicate": hour.duplicate,
                "late": hour.late,
                "rejected": hour.rejected,
                "gaps": hour.gaps,
                "lost": hour.lost,
                "clock_ahead": hour.clock_ahead,
                "latency_p50_s": _rounded(latency_s(hour.latencies, 0.5)),
                "latency_p95_s": _rounded(latency_s(hour.latencies, 0.95)),
                "dark_share": _share(hour.dark, hour.looks),
                "silent_share": _share(hour.silent, hour.spaces),
                "flapping_share": _share(hour.flapping, hour.spaces),
                "open_gap_share": _share(hour.gapped, hour.sources),
                "unknown_share": _share(hour.unheard, hour.capacity),
                "overfull_share": _share(hour.overfull, hour.looks),
                **more,
            }
        )


class HourFigures(Figures):
    """The figures of the hour that begins at `at`."""

    at: datetime


class GapsNow(BaseModel):
    """What became of the gaps that were seen in the last 24 hours."""

    model_config = ConfigDict(frozen=True)

    open: int
    late: int = Field(description="Closed: the missing words came late.")
    snapshot: int = Field(description="Closed: the car park told everything again.")
    unanswered: int = Field(description="Given up: it was asked to and did not.")


class SourcesNow(BaseModel):
    """How many devices, sensors and counters report, and how many of them need a visit."""

    model_config = ConfigDict(frozen=True)

    known: int
    silent: int
    battery_low: int


class CarParkHealth(BaseModel):
    """How good a car park's data is. `quality` null: never heard, so not rated; `rated_at` is when it was given."""

    model_config = ConfigDict(frozen=True)

    car_park: str
    name: Name
    operator: str
    quality: int | None = Field(ge=0, le=100)
    quality_reasons: list[QualityReason]
    rated_at: datetime | None
    last_seen_at: datetime | None = Field(description="When anything of it was last received, whatever became of it.")
    online: bool | None
    stale: bool
    silent_spaces: int
    flapping_spaces: int
    open_gaps: int


class CarParkHealthView(CarParkHealth):
    """With its devices, its gaps, the figures of today (local time) and of the last 24 hours, and each of these."""

    devices: SourcesNow
    gaps_last_24h: GapsNow
    today: Figures
    last_24h: Figures
    hours: list[HourFigures]


class SourceHealth(BaseModel):
    """A device, or a sensor or counter that speaks without being registered (`device` null).

    `latency_s` is of its last word; `battery` a share, `battery_mv` millivolts, `rssi` dBm and `snr` dB at the radio
    gateway that heard it best; null what it never told.
    """

    model_config = ConfigDict(frozen=True)

    source: str = Field(description="`device/<id>`, `sensor/<space>` or `counter/<zone>` (no zone: the whole).")
    device: str | None
    profile: str | None
    space: str | None
    zone: str | None
    last_seen_at: datetime | None
    silent: bool = Field(description="Past its heartbeats, or never heard.")
    doubt: Literal["silent", "flapping"] | None
    latency_s: float | None
    battery: float | None
    battery_mv: int | None
    battery_low: bool | None = Field(description="What the device itself says.")
    temperature_c: float | None
    rssi: float | None
    snr: float | None


class HealthApi:
    """Reads what `occupancy.watch_health` counted; an operator's key sees that operator's car parks only."""

    def __init__(self, database: Database, settings: OccupancySettings) -> None:
        self._database = database
        self._settings = settings

    @operation(
        get="/v1/operator/health",
        summary="The health of my data",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: Page[CarParkHealth]},
    )
    async def list(self, caller: Caller, limit: Limit = 100, cursor: Cursor = None) -> Page[CarParkHealth]:
        """My car parks by their quality, worst first; those not rated yet last."""
        score, last = (-1, "") if cursor is None else decode_cursor(cursor, int, str)
        after = min(max(score, -1), reading.UNRATED), last
        async with self._database.transaction(readonly=True) as tx:
            rows = await reading.page_of_health(tx, _covered(caller), after=after, limit=limit + 1)
        shown = rows[:limit]
        following = encode_cursor(shown[-1]["place"], shown[-1]["id"]) if len(rows) > limit else None
        return Page(items=[_health_of(row) for row in shown], next=following)

    @operation(
        get="/v1/operator/car-parks/{car_park}/health",
        summary="The health of one car park's data",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: CarParkHealthView},
        problems=(UnknownCarPark,),
    )
    async def one(self, caller: Caller, car_park: Slug) -> CarParkHealthView:
        """Its score with reasons, what was seen today and in the last 24 hours, hour by hour."""
        operators = _covered(caller)
        async with self._database.transaction(readonly=True) as tx:
            row = await reading.find_health(tx, CarParkId(car_park), operators)
            if row is None:
                raise UnknownCarPark(f"you have no car park {car_park!r}", car_park=car_park)
            day_ago = tx.now - timedelta(hours=WINDOW_H)
            today = _midnight(tx.now, row["time_zone"])
            since = min(day_ago, today)
            hours = (await sql.hours_of(tx, [row["id"]], since))[row["id"]]
            gaps = await reading.gaps_by_fate(tx, row["id"], day_ago)
            counts = await device_sql.count_sources(tx, operators, row["id"], judging_of(self._settings))
        last = [hour for hour in hours if hour.hour > day_ago]
        return CarParkHealthView(
            **_health_of(row).model_dump(),
            devices=SourcesNow(
                known=counts["sources"] if counts else 0,
                silent=counts["silent"] if counts else 0,
                battery_low=counts["low"] if counts else 0,
            ),
            gaps_last_24h=GapsNow(**{fate: gaps.get(fate, 0) for fate in GapsNow.model_fields}),
            today=_sum(today, (hour for hour in hours if hour.hour >= today)),
            last_24h=_sum(day_ago, last),
            hours=[HourFigures.model_validate(Figures.of(hour).model_dump() | {"at": hour.hour}) for hour in last],
        )

    @operation(
        get="/v1/operator/car-parks/{car_park}/devices",
        summary="The health of one car park's devices",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: Page[SourceHealth]},
        problems=(UnknownCarPark,),
    )
    async def devices(
        self,
        caller: Caller,
        car_park: Slug,
        *,
        silent: bool | None = None,
        battery_below: Annotated[float | None, Field(ge=0, le=1, description="Or the device says it is low.")] = None,
        limit: Limit = 100,
        cursor: Cursor = None,
    ) -> Page[SourceHealth]:
        """Everything that reports or should: registered devices, and what speaks without being registered."""
        after = "" if cursor is None else decode_cursor(cursor, str)[0]
        operators = _covered(caller)
        async with self._database.transaction(readonly=True) as tx:
            known = await reading.find_health(tx, CarParkId(car_park), operators)
            if known is None:
                raise UnknownCarPark(f"you have no car park {car_park!r}", car_park=car_park)
            rows = await device_sql.page_of_sources(
                tx,
                operators,
                CarParkId(car_park),
                judging_of(self._settings),
                silent=silent,
                battery_below=battery_below,
                after=after,
                limit=limit + 1,
            )
        shown = rows[:limit]
        following = encode_cursor(shown[-1]["source"]) if len(rows) > limit else None
        return Page(items=[SourceHealth(**dict(row)) for row in shown], next=following)


def _covered(caller: Caller) -> Sequence[str] | None:
    """Whose things this caller sees; None = everybody's."""
    return None if caller.operators is None else sorted(caller.operators)


def _health_of(row: Row) -> CarParkHealth:
    quality = None if row["score"] is None else sql.quality_of(row)
    return CarParkHealth(
        car_park=row["id"],
        name=Name(zh=row["name_zh"], en=row["name_en"]),
        operator=row["operator"],
        quality=row["score"],
        quality_reasons=QualityReason.all_of(quality),
        rated_at=row["rated_at"],
        last_seen_at=row["last_received_at"],
        online=row["online"],
        stale=bool(row["stale"]),
        silent_spaces=row["silent"],
        flapping_spaces=row["flapping"],
        open_gaps=row["open_gaps"],
    )


def _sum(begin: datetime, hours: Iterable[HealthHour]) -> Figures:
    total = HealthHour(begin)
    for hour in hours:
        total = added(total, hour)
    return Figures.of(total)


def _midnight(now: datetime, time_zone: str) -> datetime:
    local = now.astimezone(ZoneInfo(time_zone))
    return local.replace(hour=0, minute=0, second=0, microsecond=0)


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
