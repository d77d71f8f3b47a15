"""What an operator of the service may set of occupancy (`BERTH_OCCUPANCY__...`); the rest is decided in the code."""

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field


class OccupancySettings(BaseModel):
    """The section `occupancy` of the settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stale_after_s: float = Field(
        default=900, gt=0, description="A car park not heard of for this long is stale: its state is unknown."
    )
    space_stale_after_s: float = Field(
        default=216_000,
        gt=0,
        description="A space not heard of for this long, without a heartbeat known, is stale and free nowhere: two"
        " and a half of the daily heartbeats that long-lived sensors send.",
    )
    known_share_min: float = Field(
        default=0.95, gt=0, le=1, description="Sensors are complete when they know at least this share of the spaces."
    )
    unknown_share_max: float = Field(
        default=0.2,
        ge=0,
        le=1,
        description="When more of the spaces than this share are not known, the state is unknown.",
    )
    almost_full_share: float = Field(
        default=0.10, ge=0, le=1, description="At this share of free spaces a car park is almost full."
    )
    almost_full_leave_share: float = Field(
        default=0.12, ge=0, le=1, description="Above this share of free spaces it is not almost full any more."
    )
    heartbeat_s: float = Field(
        default=10, ge=0, description="When nothing changes, a newer age is published at most this often."
    )
    sweep_s: float = Field(default=5, gt=0, description="How often stale and closed car parks are looked for.")
    offline_gap_s: float = Field(
        default=7_200, gt=0, description="A counter silent for this long counts as offline in the metrics."
    )
    gap_grace_s: float = Field(
        default=5,
        ge=0,
        description="What is missing may come late for this long (a device sends again, or comes back and tells all)"
        " before a snapshot is ordered: well under the minute in which a loss is to be healed.",
    )
    snapshot_spaces_per_s: int = Field(
        default=10_000,
        gt=0,
        description="Snapshots are ordered of so many spaces a second: a city of 250,000 in half a minute, at half of"
        " what one gateway stores.",
    )
    snapshot_retry_s: float = Field(
        default=15, gt=0, description="A car park that did not answer is asked again after this, then twice as long."
    )
    snapshot_retry_s_max: float = Field(default=3_600, gt=0, description="The longest pause between two such orders.")
    snapshot_attempts_max: int = Field(
        default=10, ge=1, description="Then it is not asked again until it loses more, or comes back."
    )
    heartbeats_missed: float = Field(
        default=2,
        ge=1,
        description="A space whose sensor was silent for this many of its heartbeats is unknown: one may get lost.",
    )
    learned_heartbeats_missed: float = Field(
        default=3,
        ge=1,
        description="The same where the heartbeat was learned, which is less sure than a set one.",
    )
    flapping_flips_max: int = Field(
        default=40,
        ge=2,
        description="A sensor that changes more often than this in the window flaps: no car comes and goes so often,"
        " and whoever tries the system out by hand does not either.",
    )
    flapping_window_s: float = Field(default=60, gt=0)
    flapping_stable_s: float = Field(
        default=10, gt=0, description="One that flapped is believed again after it has not changed for this long."
    )
    gap_retention_days: int = Field(default=30, ge=1, description="Gaps older than this are forgotten.")
    gaps_kept_max: int = Field(
        default=2_000,
        ge=1,
        description="Of each car park, beside open ones: a city told anew may leave one for every space.",
    )
    health_s: float = Field(
        default=60, gt=0, le=3_600, description="How often the health of the data is looked at, and scores are given."
    )
    health_retention_days: int = Field(
        default=14, ge=2, description="The hourly figures of a car park's health are kept for this long."
    )
    retention_days: int | None = Field(
        default=None, ge=1, description="History older than this is dropped; not set: kept for ever."
    )

    @property
    def stale_after(self) -> timedelta:
        return timedelta(seconds=self.stale_after_s)

    @property
    def space_stale_after(self) -> timedelta:
        return timedelta(seconds=self.space_stale_after_s)

    @property
    def gap_grace(self) -> timedelta:
        return timedelta(seconds=self.gap_grace_s)

    @property
    def heartbeat(self) -> timedelta:
        return timedelta(seconds=self.heartbeat_s)

    @property
    def offline_gap(self) -> timedelta:
        return timedelta(seconds=self.offline_gap_s)
