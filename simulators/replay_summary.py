"""What a replay reports, while it runs and in the end."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ReplayProgress:
    """How far a replay is: rows of the file, told over MQTT, and shown as received by the gateway's books."""

    rows: int
    sent: int
    committed: int


@dataclass(frozen=True, slots=True)
class CarParkReplayed:
    """What became of one car park's rows: rows = stored + duplicate + late + refused."""

    name: str
    rows: int
    stored: int
    duplicate: int
    late: int
    refused: int


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that the gateway refused, as it was told, and why."""

    car_park: str
    row: str
    reason: str
    detail: str


@dataclass(slots=True)
class ReplaySummary:
    """The whole replay; `berth replay --json` prints it.

    `rows` of the file = `sent` = stored + duplicate + late + refused. `duplicate` counts rows that were there already:
    exact repeats in the file (`repeats_in_file`) and everything of a replay that ran before. `beyond_capacity` rows
    are kept as they are; `unreadable` ones are among the refused.
    """

    file: str
    format: str
    time_zone: str
    rows: int
    created: int
    repeats_in_file: int
    ambiguous_times: int
    nonexistent_times: int
    beyond_capacity: int
    unreadable: int
    sent: int
    warnings: list[str]
    refused_reasons: dict[str, int]
    refused_rows: list[RefusedRow]
    seconds: float
    stored: int = 0
    duplicate: int = 0
    late: int = 0
    refused: int = 0
    car_parks: dict[str, CarParkReplayed] = field(default_factory=dict)
