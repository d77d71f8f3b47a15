"""Names and settings of devices against the profiles that there are."""

import pytest
from pydantic import BaseModel, ConfigDict

from contracts.profiles import ProfileCard
from kernel.edge_problems import MalformedBody
from registry.errors import UnknownProfile
from registry.profiles import Profiles


class Threshold(BaseModel):
    model_config = ConfigDict(extra="forbid")

    threshold_mm: int


def card(name: str, *aliases: str) -> ProfileCard:
    return ProfileCard(name, "Acme", "Eye", f"{name}-1", "space", Threshold, "its maker", aliases)


KNOWN = Profiles.of([card("pni-placepod"), card("generic", "any")])


def test_where_nobody_said_which_there_are_all_are_taken() -> None:
    Profiles().check("anything", {"x": 1})
    assert Profiles().cards() == []


def test_a_name_or_an_alias_is_known_once() -> None:
    KNOWN.check("any", {"threshold_mm": 1500})
    assert [known.name for known in KNOWN.cards()] == ["generic", "pni-placepod"]


@pytest.mark.parametrize(
    ("name", "words"), [("pni-placepo", "did you mean pni-placepod?"), ("zzz", "there are ['any', 'generic', 'pni-")]
)
def test_another_name_is_answered_with_the_nearest(name: str, words: str) -> None:
    with pytest.raises(UnknownProfile) as refused:
        KNOWN.check(name, {})
    assert words in str(refused.value.detail)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "settings.threshold_mm: is required"),
        ({"threshold_mm": "high"}, "settings.threshold_mm"),
        ({"threshold_mm": 1, "treshold": 2}, "settings.treshold: is not known here: did you mean threshold_mm?"),
    ],
)
def test_settings_that_the_device_does_not_have(settings: dict[str, object], words: str) -> None:
    with pytest.raises(MalformedBody) as refused:
        KNOWN.check("generic", settings)
    assert words in str(refused.value.detail)
