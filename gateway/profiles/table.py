"""The devices that can be read: one line each. A new device is one file beside this one and its name here."""

from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Final

from gateway.profiles.profile import AnyProfile

MODULES: Final = (
    "bosch_tps110",
    "dingtek_do200",
    "dingtek_do201",
    "dingtek_do202",
    "elsys_generic",
    "libelium_smart_parking_v2",
    "milesight_em310",
    "milesight_em400",
    "milesight_em410",
    "nwave_nps310",
    "nwave_nps405",
    "pni_placepod",
    "tekzitel_tekzipark",
)


def profiles_of(modules: Iterable[str]) -> tuple[AnyProfile, ...]:
    """The `PROFILE` of each module of this package. Raises ImportError, AttributeError for a file that has none."""
    return tuple(import_module(f"gateway.profiles.{module}").PROFILE for module in modules)


PROFILES: Final[tuple[AnyProfile, ...]] = profiles_of(MODULES)

BY_NAME: Final[Mapping[str, AnyProfile]] = {
    name: profile for profile in PROFILES for name in (profile.name, *profile.aliases)
}
