"""Under which topic a camera speaks: over MQTT its own, over HTTP the one under which its requests are filed. Pure."""

from typing import Final, NamedTuple

VZENITH: Final = "vzenith-ivs"
HIKVISION: Final = "hikvision-isapi"
CAMERA_PROFILES: Final = frozenset({VZENITH, HIKVISION})

CAMERA_FILTERS: Final = ("device/+/message/up/+", "+/device/message/up/+")
"""VZenith's, of today and of older firmware."""
VZENITH_RESULT: Final = "ivs_result"
HIKVISION_TOPIC: Final = "http/hikvision"


class CameraTopic(NamedTuple):
    """Which device speaks, in which maker's language, and the name of its message."""

    profile: str
    device: str
    name: str = ""

    @property
    def may_be_passage(self) -> bool:
        """Whether its messages can be: heartbeats of cameras that nobody registered are not worth a refusal."""
        return self.profile != VZENITH or self.name == VZENITH_RESULT


def camera_topic(topic: str) -> CameraTopic | None:
    """What `topic` says; None when it is no camera's."""
    match topic.split("/"):
        case ["device", device, "message", "up", name] | [device, "device", "message", "up", name] if device and name:
            return CameraTopic(VZENITH, device, name)
        case ["http", "hikvision", device] if device:
            return CameraTopic(HIKVISION, device)
    return None


def hikvision_topic(device: str) -> str:
    """Where the dead letters file what such a camera posted."""
    return f"{HIKVISION_TOPIC}/{device}"
