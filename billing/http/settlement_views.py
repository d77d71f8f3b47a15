"""Settlements, differences and owners' months on the wire."""

from collections.abc import Sequence
from datetime import date
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from billing.channels.protocol import LineKind
from billing.matching import Kind, Way, ways
from billing.settlement_lifecycle import State
from billing.statement import Figures, OwnerStatement, Place, Share
from kernel.db import Row
from kernel.moments import Moment
from kernel.money import Money


class FiguresView(BaseModel):
    """`net` is the operator's: `gross` less everything else here."""

    model_config = ConfigDict(frozen=True)

    payments: int = Field(description="How many.")
    refunds: int = Field(description="How many.")
    gross: Money = Field(description="What was paid.")
    refunded: Money = Field(description="What was given back.")
    owners: Money = Field(description="The parts of those who lend spaces.")
    platform: Money
    fees: Money = Field(description="What the payment channels kept; known once the day is reconciled.")
    losses: Money = Field(description="Where the channel has less than was settled, and the operator took it on.")
    net: Money

    @classmethod
    def of(cls, figures: Figures) -> Self:
        return cls(
            payments=figures.payments,
            refunds=figures.refunds,
            gross=Money(amount=figures.gross),
            refunded=Money(amount=figures.refunded),
            owners=Money(amount=figures.owners),
            platform=Money(amount=figures.platform),
            fees=Money(amount=figures.fees),
            losses=Money(amount=figures.losses),
            net=Money(amount=figures.net),
        )


class PlaceView(FiguresView):
    """One car park and payment channel."""

    car_park: str
    channel: str

    @classmethod
    def at(cls, place: Place) -> Self:
        figures = FiguresView.of(place.figures)
        return cls(car_park=place.car_park, channel=place.channel, **dict(figures))


class SettlementView(BaseModel):
    """An operator's business day, from midnight to midnight in the city's time zone. While it is `open`, figures are
    what was paid and given back so far: what owners and platform have of it is known soon after it is `frozen`.
    """

    model_config = ConfigDict(frozen=True, populate_by_name=True, serialize_by_alias=True)

    id: str
    operator: str
    day: date
    begins: Moment = Field(alias="from")
    until: Moment
    state: State
    reason: str | None = Field(description="Why it is held, or was released.")
    figures: FiguresView
    paid: Money | None = Field(description="To the operator; once it is paid out.")
    frozen_at: Moment | None
    reconciled_at: Moment | None
    paid_out_at: Moment | None

    @classmethod
    def of(cls, row: Row, places: Sequence[Place]) -> Self:
        return cls(**_settlement(row, places))


class SettlementWhole(SettlementView):
    """With its figures by car park and channel."""

    places: Sequence[PlaceView]

    @classmethod
    def of(cls, row: Row, places: Sequence[Place]) -> Self:
        return cls(**_settlement(row, places), places=[PlaceView.at(place) for place in places])


def _settlement(row: Row, places: Sequence[Place]) -> dict[str, object]:
    return {
        "id": row["id"],
        "operator": row["operator"],
        "day": row["day"],
        "begins": row["begins"],
        "until": row["ends"],
        "state": State(row["state"]),
        "reason": row["reason"],
        "figures": FiguresView.of(sum((place.figures for place in places), Figures())),
        "paid": None if row["paid"] is None else Money(amount=row["paid"]),
        "frozen_at": row["frozen_at"],
        "reconciled_at": row["reconciled_at"],
        "paid_out_at": row["paid_out_at"],
    }


class DifferenceView(BaseModel):
    """Where ours and a channel's bill differ. `ways`: how it may be ended, besides by itself."""

    model_config = ConfigDict(frozen=True)

    id: str
    channel: str
    day: date = Field(description="Of the bill.")
    kind: Kind
    item: LineKind
    number: str = Field(description="Our number of the payment or refund, as the channel has it.")
    payment: str | None
    refund: str | None
    ours: Money | None
    theirs: Money | None
    operators: Sequence[str] = Field(description="Whom it concerns; nobody: the city.")
    state: str
    ways: Sequence[Way]
    way: Way | None
    reason: str | None
    actor: str | None
    asked_at: Moment | None = Field(description="When the channel was asked again.")
    created_at: Moment
    resolved_at: Moment | None

    @classmethod
    def of(cls, row: Row) -> Self:
        kind, item, ours, theirs = Kind(row["kind"]), LineKind(row["item"]), row["ours"], row["theirs"]
        open_ways = ways(kind, item, ours, theirs, is_ours=row["payment"] is not None)
        return cls(
            id=row["id"],
            channel=row["channel"],
            day=row["day"],
            kind=kind,
            item=item,
            number=row["number"],
            payment=row["payment"],
            refund=row["refund"],
            ours=None if ours is None else Money(amount=ours),
            theirs=None if theirs is None else Money(amount=theirs),
            operators=row["operators"],
            state=row["state"],
            ways=sorted(open_ways) if row["state"] == "open" else [],
            way=row["way"],
            reason=row["reason"],
            actor=row["actor"],
            asked_at=row["asked_at"],
            created_at=row["created_at"],
            resolved_at=row["resolved_at"],
        )


class ShareView(BaseModel):
    """What one charge for a lent space brings its owner."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, serialize_by_alias=True)

    charge: str
    kind: str
    car_park: str
    begins: Moment = Field(alias="from")
    until: Moment
    paid: Money
    refunded: Money
    owner: Money
    standing: str = Field(description="`expected`: not paid yet; `waiting`: for 48 hours after the stay; `available`.")
    available_at: Moment

    @classmethod
    def of(cls, share: Share) -> Self:
        return cls(
            charge=share.charge,
            kind=share.kind,
            car_park=share.car_park,
            begins=share.begins,
            until=share.ends,
            paid=Money(amount=share.paid),
            refunded=Money(amount=share.refunded),
            owner=Money(amount=share.owner),
            standing=share.standing,
            available_at=share.available_at,
        )


class OwnerStatementView(BaseModel):
    """A month of lent spaces by the ledger: what was paid for them, and what of it is the owner's."""

    model_config = ConfigDict(frozen=True)

    month: str
    expected: Money
    waiting: Money
    available: Money
    balance: Money = Field(description="Of all months: what is the owner's, and was not paid out.")
    items: Sequence[ShareView]

    @classmethod
    def of(cls, statement: OwnerStatement, balance: int) -> Self:
        return cls(
            month=statement.month,
            expected=Money(amount=statement.sum_of("expected")),
            waiting=Money(amount=statement.sum_of("waiting")),
            available=Money(amount=statement.sum_of("available")),
            balance=Money(amount=balance),
            items=[ShareView.of(share) for share in statement.shares],
        )
