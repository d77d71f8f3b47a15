"""The devices that can be read: one line each. A new device is one file beside this one and one line here."""

from collections.abc import Mapping
from typing import Final

from gateway.profiles import (
    bosch_tps110,
    dingtek_do200,
    dingtek_do201,
    dingtek_do202,
    elsys_generic,
    libelium_smart_parking_v2,
    milesight_em310,
    milesight_em400,
    milesight_em410,
    nwave_nps310,
    nwave_nps405,
    pni_placepod,
    tekzitel_tekzipark,
)
from gateway.profiles.profile import AnyProfile

PROFILES: Final[tuple[AnyProfile, ...]] = (
    bosch_tps110.PROFILE,
    dingtek_do200.PROFILE,
    dingtek_do201.PROFILE,
    dingtek_do202.PROFILE,
    elsys_generic.PROFILE,
    libelium_smart_parking_v2.PROFILE,
    milesight_em310.PROFILE,
    milesight_em400.PROFILE,
    milesight_em410.PROFILE,
    nwave_nps310.PROFILE,
    nwave_nps405.PROFILE,
    pni_placepod.PROFILE,
    tekzitel_tekzipark.PROFILE,
)

BY_NAME: Final[Mapping[str, AnyProfile]] = {
    name: profile for profile in PROFILES for name in (profile.name, *profile.aliases)
}
