"""A vehicle is a plate and its colour: one spelling, wherever it is read, typed or promised to.

The patterns are those of GA 36-2018: a province, `[A-HJ-Z]`, five more for a combustion car, six for a new-energy one,
and the forms that end in 学 (driving school), 挂 (trailer), 警 (police), 领 (consulate), 港 and 澳 (Guangdong's border
plates), 使 (embassy).
"""

import re
import unicodedata
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

PlateColor = Literal["blue", "green", "yellow_green", "yellow", "black", "white"]

PROVINCES: Final = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"

_SEPARATORS: Final = str.maketrans("", "", "·•・‧∙-.－ 　\t")
_PLATE: Final = re.compile(
    f"[{PROVINCES}][A-HJ-Z](?:"
    "[A-HJ-NP-Z0-9]{5}"
    "|[A-HJK][A-HJ-NP-Z0-9][0-9]{4}|[0-9]{5}[A-HJK]"
    "|[A-HJ-NP-Z0-9]{4}[学挂警领港澳]"
    ")|[0-9]{6}使|使[0-9]{6}"
)


def normalise_plate(read: str) -> str | None:
    """`辽a·12345` -> `辽A12345`; None when nothing is left (an unlicensed vehicle).

    Only separators and letter case change. What fits no pattern of a plate is kept as it was read: a wrong reading is
    evidence too, and unlicensed or foreign vehicles are never forced through the pattern.
    """
    return unicodedata.normalize("NFKC", read).translate(_SEPARATORS).upper() or None


def is_plate(normalised: str) -> bool:
    """Whether it has the form of a plate of the mainland."""
    return _PLATE.fullmatch(normalised) is not None


def _normal(read: object) -> object:
    return (normalise_plate(read) or "") if isinstance(read, str) else read


def _plate(normalised: str) -> str:
    if not is_plate(normalised):
        raise PydanticCustomError("plate", "not a number plate such as 辽A12345 or 辽AD12345")
    return normalised


Plate = Annotated[
    str,
    BeforeValidator(_normal),
    AfterValidator(_plate),
    Field(description="Separators and case are forgiven.", examples=["辽A12345"]),
]


class Vehicle(BaseModel):
    """`{"plate": "辽A12345", "color": "blue"}`: two cars may share a plate's letters, not its colour as well."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    plate: Plate
    color: PlateColor
