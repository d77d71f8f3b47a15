"""What proves a charge: the place, the passages as the cameras saw them, the tariff's version."""

from typing import Self

from pydantic import BaseModel, ConfigDict

from kernel.db import Row
from kernel.moments import Moment


class Words(BaseModel):
    """In both languages."""

    model_config = ConfigDict(frozen=True)

    zh: str
    en: str


class PlaceView(BaseModel):
    """Where it was. `complaint_telephone` is whom to call about it."""

    model_config = ConfigDict(frozen=True)

    name: Words | None
    address: str | None
    operator: Words | None
    complaint_telephone: str | None


class PassageView(BaseModel):
    """As the lane saw it."""

    model_config = ConfigDict(frozen=True)

    at: Moment
    lane: str
    image: str | None
    confidence: float | None


class EvidenceView(BaseModel):
    """What proves a charge."""

    model_config = ConfigDict(frozen=True)

    place: PlaceView
    entry: PassageView | None
    exit: PassageView | None
    tariff: str | None
    tariff_number: int | None

    @classmethod
    def of(cls, charge: Row, row: Row) -> Self:
        return cls(
            place=PlaceView(
                name=_words(row["name_zh"], row["name_en"]),
                address=row["address"],
                operator=_words(row["operator_zh"], row["operator_en"]),
                complaint_telephone=row["telephone"] or None,
            ),
            entry=_passage(row, "entry"),
            exit=_passage(row, "exit"),
            tariff=charge["tariff"],
            tariff_number=row["tariff_number"],
        )


def _words(zh: str | None, en: str | None) -> Words | None:
    return None if zh is None else Words(zh=zh, en=en or zh)


def _passage(row: Row, end: str) -> PassageView | None:
    if row[f"{end}_at"] is None:
        return None
    said = {name: row[f"{end}_{name}"] for name in ("at", "lane", "image", "confidence")}
    return PassageView.model_validate(said)
