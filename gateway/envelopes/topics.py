"""The topics on which network servers publish. The topic says who speaks; the envelope only where it says more."""

from typing import Final, Literal, NamedTuple

NETWORK_FILTERS: Final = (
    "v3/+/devices/+/up",
    "application/+/device/+/event/up",
    "application/+/device/+/event/status",
)

Network = Literal["tts", "chirpstack", "chirpstack status"]


class NetworkTopic(NamedTuple):
    """`application` as the network server names it, with the tenant; `device` its name there, or the DevEUI."""

    network: Network
    application: str
    device: str


def network_topic(topic: str) -> NetworkTopic | None:
    """`v3/{application}@{tenant}/devices/{device}/up` or `application/{application}/device/{DevEUI}/event/...`."""
    match topic.split("/"):
        case ["v3", application, "devices", device, "up"] if application and device:
            return NetworkTopic("tts", application, device)
        case ["application", application, "device", device, "event", "up"] if application and device:
            return NetworkTopic("chirpstack", application, device)
        case ["application", application, "device", device, "event", "status"] if application and device:
            return NetworkTopic("chirpstack status", application, device)
        case _:
            return None
