"""What the operations on health answer: how good the data is, why, in figures, and how each device is."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from kernel.db import Row
from occupancy.card import Name, QualityReason
from occupancy.health import HealthHour, added, latency_s
from occupancy.sql import health as sql

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

    `latency_s` is of its last word, null when the device had kept it for long; `battery` a share, `battery_mv`
    millivolts, `rssi` dBm and `snr` dB at the radio gateway that heard it best; null what it never told.
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


def health_of(row: Row) -> CarParkHealth:
    """From a row of `occupancy.sql.health_reading`."""
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


def sum_of(begin: datetime, hours: Iterable[HealthHour]) -> Figures:
    """Of all `hours` together."""
    total = HealthHour(begin)
    for hour in hours:
        total = added(total, hour)
    return Figures.of(total)


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)
