"""A charge as whoever pays it sees it, and as an operator does."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from billing.charge_lifecycle import PAYABLE, State
from billing.http.evidence_views import EvidenceView, Words
from contracts.vehicles import Vehicle
from kernel.db import Row
from kernel.moments import Moment
from kernel.money import Money

PathCharge = Annotated[str, StringConstraints(pattern=r"^chg_[0-9a-f]{32}$")]
TOLD_OF_EVENTS = ("reason", "amount", "was", "level", "error", "dispute", "kind")


class LineView(BaseModel):
    """One line of the bill. The amounts add up to the charge's."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, serialize_by_alias=True)

    kind: str
    amount: Money
    begins: Moment | None = Field(alias="from")
    until: Moment | None
    why: Words | None

    @classmethod
    def of(cls, line: Mapping[str, Any]) -> Self:
        return cls(
            kind=line.get("kind", "other"),
            amount=Money(amount=line["amount"]),
            begins=_moment(line.get("from")),
            until=_moment(line.get("until")),
            why=line.get("why"),
        )


class ChargeView(BaseModel):
    """What is owed for a stay or a promise, and how far that has come. `from` and `until` is the time it is for."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, serialize_by_alias=True)

    id: str
    version: int
    kind: str
    state: State
    car_park: str
    operator: str
    session: str | None
    reservation: str | None
    vehicle: Vehicle | None
    ticket: str | None
    begins: Moment = Field(alias="from")
    until: Moment
    amount: Money
    paid: Money
    refunded: Money
    open: Money = Field(description="What is still to be paid.")
    channel: str | None = Field(description="That collects it, or has.")
    is_advanced: bool = Field(description="The channel paid for the driver, who owes the channel.")
    due_at: Moment
    good_until: Moment | None = Field(description="Of a price that was asked for inside.")
    level: int = Field(description="Reminders so far.")
    lines: list[LineView]
    created_at: Moment
    updated_at: Moment

    @classmethod
    def of(cls, row: Row) -> Self:
        return cls.model_validate(said_of(row))


class ChargeProven(ChargeView):
    """With what proves it."""

    evidence: EvidenceView

    @classmethod
    def proven_by(cls, row: Row, proof: Row) -> Self:
        return cls.model_validate({**said_of(row), "evidence": EvidenceView.of(row, proof)})


class EventView(BaseModel):
    """Something that happened to a charge. `by` is `driver`, `operator`, `billing` or the payment channel."""

    model_config = ConfigDict(frozen=True)

    at: Moment
    kind: str
    version: int
    by: str
    detail: dict[str, Any]

    @classmethod
    def of(cls, row: Row) -> Self:
        told = {name: row["detail"][name] for name in TOLD_OF_EVENTS if name in row["detail"]}
        by = row["actor"].partition(":")[0]
        return cls(at=row["at"], kind=row["kind"], version=row["version"], by=by, detail=told)


class NewsView(EventView):
    """The same, with the charge as it stands now."""

    charge: str
    car_park: str
    state: State
    level: int
    amount: Money
    open: Money

    @classmethod
    def told(cls, row: Row) -> Self:
        return cls.model_validate(
            {
                **EventView.of(row).model_dump(),
                **{name: row[name] for name in ("charge", "car_park", "state", "level")},
                "amount": Money(amount=row["amount"]),
                "open": Money(amount=open_of(row)),
            }
        )


class DisputeView(BaseModel):
    """An objection and what came of it."""

    model_config = ConfigDict(frozen=True)

    id: str
    version: int
    charge: str
    state: str
    kind: str
    reason: str
    answer: str | None = Field(description="Why it was decided so.")
    amount: Money | None = Field(description="What it costs after all.")
    created_at: Moment
    decided_at: Moment | None

    @classmethod
    def of(cls, row: Row) -> Self:
        names = ("id", "version", "charge", "state", "kind", "reason", "answer", "created_at", "decided_at")
        amount = None if row["amount"] is None else Money(amount=row["amount"])
        return cls.model_validate({**{name: row[name] for name in names}, "amount": amount})


class ChargeWhole(ChargeView):
    """With what proves it, what happened to it, and the objections to it."""

    evidence: EvidenceView
    events: list[EventView]
    disputes: list[DisputeView]

    @classmethod
    def all_of(cls, row: Row, proof: Row, events: Sequence[Row], disputes: Sequence[Row]) -> Self:
        return cls.model_validate(
            {
                **said_of(row),
                "evidence": EvidenceView.of(row, proof),
                "events": [EventView.of(event) for event in events],
                "disputes": [DisputeView.of(dispute) for dispute in disputes],
            }
        )


def said_of(row: Row) -> dict[str, Any]:
    """The fields of a ChargeView."""
    same = (
        "id", "version", "kind", "state", "car_park", "operator", "session", "reservation", "ticket", "channel",
        "is_advanced", "due_at", "good_until", "level", "created_at", "updated_at",
    )  # fmt: skip
    vehicle = None
    if row["plate"] is not None and row["color"] is not None:
        vehicle = Vehicle.model_construct(plate=row["plate"], color=row["color"])
    return {
        **{name: row[name] for name in same},
        "vehicle": vehicle,
        "begins": row["begins"],
        "until": row["ends"],
        "amount": Money(amount=row["amount"]),
        "paid": Money(amount=row["paid"]),
        "refunded": Money(amount=row["refunded"]),
        "open": Money(amount=open_of(row)),
        "lines": [LineView.of(line) for line in row["lines"]],
    }


def open_of(row: Row) -> int:
    """Fen that are still to be paid."""
    left: int = row["amount"] - row["paid"]
    return left if State(row["state"]) in PAYABLE else 0


def _moment(said: str | None) -> datetime | None:
    return None if said is None else datetime.fromisoformat(said)
