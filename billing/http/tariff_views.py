"""Tariffs as they are asked for and told over REST."""

from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, RootModel, StringConstraints
from pydantic_core import CoreSchema

from billing.tariffs.dry_run import DryRun
from billing.tariffs.in_short import in_short
from billing.tariffs.tariff import TariffVersion, read_tariff
from billing.tariffs.words import Unsaid
from contracts.ids import Label
from kernel.db import Row, Tx
from kernel.moments import Moment
from kernel.money import Money

PathTariff = Annotated[str, StringConstraints(pattern=r"^tar_[0-9a-f]{32}$")]
Zone = Annotated[Label | None, Field(description="A nested zone with prices of its own; left out: the car park.")]
EXAMPLE: Final = {
    "name": {"zh": "首小时5元，之后每30分钟2元", "en": "5 yuan for the first hour, then 2 yuan a half hour"},
    "plans": [
        {
            "id": "small",
            "when": {"classes": ["small"]},
            "free": {"minutes": 15, "charge_from": "entry"},
            "charge": {
                "kind": "units",
                "steps": [{"amount": 500, "unit_min": 60, "until_min": 60}, {"amount": 200, "unit_min": 30}],
            },
            "caps": [{"per": "hours", "hours": 24, "amounts": [4000]}],
        }
    ],
    "concessions": [{"id": "staff", "name": {"zh": "员工", "en": "staff"}, "kind": "permit", "exempt": True}],
}
Status = Literal["in_force", "to_come", "over", "withdrawn"]


class TariffIn(RootModel[dict[str, Any]]):
    """The document of a version; `/v1/tariff-schema` describes it for an editor. The engine reads it: its refusals name
    each field and say what to write.
    """

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return handler(TariffVersion.__pydantic_core_schema__)


class TariffRow(BaseModel):
    """A version. One with an end goes before those that began earlier while it lasts."""

    model_config = ConfigDict(frozen=True)

    id: str
    car_park: str
    zone: str | None = Field(description="Null: the whole car park.")
    number: int
    name: dict[str, str]
    status: Status
    valid_from: Moment = Field(description="For entries from then on.")
    valid_until: Moment | None
    created_at: Moment

    @classmethod
    def of(cls, tx: Tx, row: Row) -> Self:
        return cls(**_members(tx, row))


class TariffView(TariffRow):
    """With what it says."""

    in_short: dict[str, str] = Field(description="What most vehicles pay, in a sentence.")
    tariff: dict[str, Any]

    @classmethod
    def of(cls, tx: Tx, row: Row) -> Self:
        return cls(**_members(tx, row), in_short=_in_short(row), tariff=row["document"])


class OperatorTariffRow(TariffRow):
    """And who made it."""

    created_by: str
    withdrawn_at: Moment | None

    @classmethod
    def of(cls, tx: Tx, row: Row) -> Self:
        return cls(**_members(tx, row), created_by=row["created_by"], withdrawn_at=row["withdrawn_at"])


class OperatorTariffView(OperatorTariffRow):
    """With what it says."""

    in_short: dict[str, str] = Field(description="What most vehicles pay, in a sentence.")
    tariff: dict[str, Any]

    @classmethod
    def of(cls, tx: Tx, row: Row) -> Self:
        told = OperatorTariffRow.of(tx, row)
        return cls(**told.__dict__, in_short=_in_short(row), tariff=row["document"])


def _members(tx: Tx, row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "car_park": row["car_park"],
        "zone": row["zone"] or None,
        "number": row["number"],
        "name": row["document"]["name"],
        "status": _status(tx, row),
        "valid_from": row["valid_from"],
        "valid_until": row["valid_until"],
        "created_at": row["created_at"],
    }


def _in_short(row: Row) -> dict[str, str]:
    said = in_short(read_tariff(row["document"]))
    return {"zh": said.zh, "en": said.en}


def _status(tx: Tx, row: Row) -> Status:
    if row["withdrawn_at"] is not None:
        return "withdrawn"
    if row["in_force"]:
        return "in_force"
    return "to_come" if row["valid_from"] > tx.now else "over"


class UnsaidView(BaseModel):
    """A part of the tariff for which the other format has no words."""

    model_config = ConfigDict(frozen=True)

    field: str
    why: str

    @classmethod
    def all(cls, unsaid: tuple[Unsaid, ...]) -> list["UnsaidView"]:
        return [cls(field=one.field, why=one.why) for one in unsaid]


class ChargingRuleView(BaseModel):
    """`charging_rule` of WeChat Pay's parking-lot application; `unsaid` is what it leaves out."""

    model_config = ConfigDict(frozen=True)

    tariff: str
    charging_rule: dict[str, Any]
    unsaid: list[UnsaidView]


class ApdsRatesView(BaseModel):
    """Rate tables of the Alliance for Parking Data Standards; `unsaid` is what they leave out."""

    model_config = ConfigDict(frozen=True)

    tariff: str
    rate_tables: list[dict[str, Any]]
    unsaid: list[UnsaidView]


class DifferenceView(BaseModel):
    """A stay, what it was charged, and what it would be charged."""

    model_config = ConfigDict(frozen=True)

    id: str
    was: Money
    would_be: Money


class DryRunView(BaseModel):
    """The sums over all stays that the tariff prices; `unpriced` are those for which it has no price."""

    model_config = ConfigDict(frozen=True)

    stays: int
    was: Money
    would_be: Money
    dearer: int = Field(description="Stays that would cost more.")
    cheaper: int
    unpriced: list[str]
    largest: list[DifferenceView] = Field(description="The largest differences.")
    complete: bool = Field(description="False: there are more stays in that time; these are the last ones.")

    @classmethod
    def of(cls, run: DryRun, *, complete: bool) -> Self:
        return cls(
            stays=run.stays,
            was=Money(amount=run.was),
            would_be=Money(amount=run.would_be),
            dearer=run.dearer,
            cheaper=run.cheaper,
            unpriced=list(run.unpriced),
            largest=[
                DifferenceView(id=one.id, was=Money(amount=one.was), would_be=Money(amount=one.would_be))
                for one in run.largest
            ],
            complete=complete,
        )
