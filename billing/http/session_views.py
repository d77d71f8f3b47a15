"""A session as whoever parked sees it, and as its operator does."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from billing.confusable import Proposal
from billing.http.charge_views import ChargeView, LineView
from billing.http.decision_views import CreditView, ExitView
from billing.http.evidence_views import PlaceView, Words
from billing.session_lifecycle import State
from billing.tariffs.fee import Fee
from contracts.vehicles import Vehicle
from kernel.db import Row
from kernel.moments import Moment
from kernel.money import Money

PathSession = Annotated[str, StringConstraints(pattern=r"^ses_[0-9a-f]{32}$")]

_WHY: Final[Mapping[str, tuple[str, str]]] = {
    "no_tariff": ("入场时该停车场没有生效的收费标准", "no tariff was in force when it drove in"),
    "no_plan_fits": ("收费标准中没有适用于此次停车的价格", "the tariff has no price for such a stay"),
    "stay_impossible": ("停车时间超出可计价范围", "a stay of this length cannot be priced"),
    "dearer": ("后到的通行记录使费用高于已收取金额", "passages that came later make it dearer than was asked"),
    "second_entry": ("未见出场又再次入场", "it drove in again, and nobody had seen it leave"),
    "left_unseen": ("离开停车场时未见驶出该区域", "it left the car park, and nobody had seen it leave the zone"),
    "too_long": ("停车时间过长，可能漏记了通行", "the stay is so long that passages were probably missed"),
    "open_too_long": ("长时间未见出场", "nobody has seen it leave for long"),
    "passage_put_right": ("通行记录已更正", "a passage was put right"),
    "other_passages_came": ("后到的通行记录改变了此次停车", "passages that came later changed the stay"),
    "billed_anew": ("已重新计费", "it was billed anew"),
    "entry_came": ("已找到入场记录", "its entry was found"),
}


class SeenView(BaseModel):
    """An end of the stay, as the lane saw it, or as somebody put it right."""

    model_config = ConfigDict(frozen=True)

    at: Moment
    lane: str | None
    image: str | None
    confidence: float | None
    corrected: bool
    reason: str | None = Field(description="Why it was put right.")


class SessionView(BaseModel):
    """A stay. `amount` null: nobody knows it yet."""

    model_config = ConfigDict(frozen=True)

    id: str
    version: int
    state: State
    reason: Words | None = Field(description="Why it is suspect, without a price, corrected or void.")
    code: str | None = Field(description="The same, for programs.")
    car_park: str
    zone: str | None = Field(description="Of a nested zone that was entered during the stay `parent`.")
    parent: str | None
    vehicle: Vehicle | None
    ticket: str | None
    vehicle_class: str
    entered_at: Moment | None
    left_at: Moment | None
    tariff: str | None
    amount: Money | None
    reservation: str | None
    supersedes: str | None
    created_at: Moment
    updated_at: Moment

    @classmethod
    def of(cls, row: Row) -> Self:
        return cls.model_validate(said_of(row))


class SoFarView(BaseModel):
    """What leaving now would cost, without what is paid already, and when that next rises."""

    model_config = ConfigDict(frozen=True)

    at: Moment
    amount: Money
    rises_at: Moment | None
    lines: list[LineView]


class SessionWhole(SessionView):
    """With its price line by line, its passages, and where to complain."""

    place: PlaceView
    entry: SeenView | None
    exit: SeenView | None
    tariff_number: int | None
    lines: list[LineView]
    so_far: SoFarView | None = Field(description="Of a stay that goes on.")
    pays_later: bool | None = Field(description="As decided when it drove in; decided anew when it leaves.")
    at_entry: CreditView | None
    now: CreditView | None = Field(description="Of a stay that goes on: what is paid meanwhile counts.")
    at_exit: ExitView | None
    charges: list[ChargeView]

    @classmethod
    def whole(
        cls, row: Row, proof: Row, charges: Sequence[Row], *, so_far: SoFarView | None, now: CreditView | None
    ) -> Self:
        return cls.model_validate(
            {
                **said_of(row),
                **proof_of(proof),
                "lines": [LineView.of(line) for line in (row["fee"] or {}).get("lines", ())],
                "so_far": so_far,
                "pays_later": None if row["at_entry"] is None else row["at_entry"].get("pays_later"),
                "at_entry": CreditView.of(row["at_entry"]),
                "now": now,
                "at_exit": ExitView.of(row["at_exit"]),
                "charges": [ChargeView.of(charge) for charge in charges],
            }
        )


class CandidateView(BaseModel):
    """A session inside whose vehicle it may have been that left, the likeliest first."""

    model_config = ConfigDict(frozen=True)

    session: str
    plate: str
    color: str | None
    entered_at: Moment
    likelihood: float = Field(description="0 to 1, by what was read how surely, the colours and the time.")

    @classmethod
    def of(cls, proposal: Proposal) -> Self:
        return cls(
            session=proposal.session,
            plate=proposal.plate,
            color=proposal.color,
            entered_at=proposal.entry_at,
            likelihood=proposal.likelihood,
        )


class ExceptionView(SessionView):
    """A stay that waits for somebody, with its passages and who may be meant."""

    plate: str | None = Field(description="As it was read, also where that is no plate.")
    color: str | None
    entry_passage: str | None
    exit_passage: str | None
    entry: SeenView | None
    exit: SeenView | None
    candidates: list[CandidateView]

    @classmethod
    def with_proof(cls, row: Row, proof: Row, candidates: Sequence[Proposal]) -> Self:
        said = proof_of(proof)
        return cls.model_validate(
            {
                **said_of(row),
                **{name: row[name] for name in ("plate", "color", "entry_passage", "exit_passage")},
                "entry": said["entry"],
                "exit": said["exit"],
                "candidates": [CandidateView.of(one) for one in candidates],
            }
        )


def said_of(row: Row) -> dict[str, Any]:
    """The fields of a SessionView."""
    same = (
        "id", "version", "state", "car_park", "parent", "ticket", "tariff", "reservation", "supersedes",
        "created_at", "updated_at",
    )  # fmt: skip
    vehicle = None
    if row["plate"] is not None and row["color"] is not None:
        vehicle = Vehicle.model_construct(plate=row["plate"], color=row["color"])
    return {
        **{name: row[name] for name in same},
        "reason": why(row["reason"]),
        "code": row["reason"] if row["reason"] in _WHY else None,
        "zone": row["zone"] or None,
        "vehicle": vehicle,
        "vehicle_class": row["class"],
        "entered_at": row["entry_at"],
        "left_at": row["exit_at"],
        "amount": None if row["amount"] is None else Money(amount=row["amount"]),
    }


def why(reason: str | None) -> Words | None:
    """In words; what a person wrote stands as it was written."""
    if reason is None:
        return None
    zh, en = _WHY.get(reason, (reason, reason))
    return Words(zh=zh, en=en)


def proof_of(row: Row) -> dict[str, Any]:
    """Place, passages and tariff of a session, from its evidence."""
    return {
        "place": PlaceView(
            name=_words(row["name_zh"], row["name_en"]),
            address=row["address"],
            operator=_words(row["operator_zh"], row["operator_en"]),
            complaint_telephone=row["telephone"] or None,
        ),
        "entry": _seen(row, "entry"),
        "exit": _seen(row, "exit"),
        "tariff_number": row["tariff_number"],
    }


def so_far_of(fee: Fee, lines: Sequence[Mapping[str, Any]], at: Any) -> SoFarView:
    """`lines` are those of `fee` in words."""
    return SoFarView(
        at=at,
        amount=Money(amount=fee.total),
        rises_at=fee.rises_at,
        lines=[LineView.of(line) for line in lines],
    )


def _words(zh: str | None, en: str | None) -> Words | None:
    return None if zh is None else Words(zh=zh, en=en or zh)


def _seen(row: Row, end: str) -> SeenView | None:
    if row[f"{end}_at"] is None:
        return None
    said = {name: row[f"{end}_{name}"] for name in ("at", "lane", "image", "confidence", "reason")}
    return SeenView.model_validate({**said, "corrected": row[f"{end}_made_by"] is not None})
