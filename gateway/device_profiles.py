"""Every device that the gateway can read, as the registry lists them: radio sensors, cameras, and whatever speaks our
own format by itself."""

from typing import Final

from pydantic import BaseModel, ConfigDict

from contracts.profiles import ProfileCard
from gateway.cameras.hear import CODECS
from gateway.cameras.settings import CameraSettings
from gateway.cameras.topics import HIKVISION, VZENITH
from gateway.dead_letters import CODEC
from gateway.profiles.table import PROFILES


class OwnSettings(BaseModel):
    """Nobody here reads them: they are the operator's notes."""

    model_config = ConfigDict(extra="allow", title="settings")


GENERIC: Final = ProfileCard(
    name="generic",
    vendor="any",
    model="speaks parking/v1 over MQTT or pushes over HTTP by itself",
    codec=CODEC,
    measures="space or passages",
    settings=OwnSettings,
    source="the contracts of this project",
)
CAMERAS: Final = (
    ProfileCard(
        name=HIKVISION,
        vendor="Hikvision",
        model="ISAPI, posts multipart over HTTP",
        codec=CODECS[HIKVISION],
        measures="passages",
        settings=CameraSettings,
        source="ISAPI EventNotificationAlert, ANPR",
    ),
    ProfileCard(
        name=VZENITH,
        vendor="VZenith",
        model="number-plate cameras over MQTT",
        codec=CODECS[VZENITH],
        measures="passages",
        settings=CameraSettings,
        source="VZenith MQTT protocol, ivs_result",
    ),
)


def device_profiles() -> tuple[ProfileCard, ...]:
    """One for each; a new radio sensor is in `gateway.profiles.table` already."""
    return (GENERIC, *CAMERAS, *PROFILES)
