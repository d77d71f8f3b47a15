"""One uplink as any network server tells it, and whose topic it came on. Pure.

Two clocks may stamp it. The network server's is one clock for all gateways and is what we take; a gateway's own may be
anything, so it is believed only when it says that it has its time from GPS, and only where the two agree that the
uplink waited for less than a day. What the device's own decoder at the network server made of the bytes is not looked
at: ours are decoded by the pinned version of a profile.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from contracts.wire import Instant

FRAME_COUNTER_MAX: Final = 2**32
GATEWAYS_MAX: Final = 200
"""That hear one uplink; a city has fewer."""
GPS_AHEAD_MAX: Final = timedelta(seconds=2)
"""A gateway hears an uplink before its network server does; this much is their clocks' disagreement."""
GPS_BEHIND_MAX: Final = timedelta(days=1)
"""How long a gateway keeps uplinks while it has no line to its network server."""
GPS_EPOCH: Final = datetime(1980, 1, 6, tzinfo=UTC)
GPS_LEAP_SECONDS: Final = timedelta(seconds=18)
"""GPS time has no leap seconds; UTC is this far behind it since 2017, and no further one is announced."""


Text = Annotated[str, Meta(max_length=128)]


class Uplink(Struct, frozen=True):
    """`session` is one join of the device, in which `counter` grows; `port` None = left out, which means 0.

    `at`: when it was sent, as `heard_at` decides; None when nobody said. `dev_eui` "" = not told. `rssi` in dBm and
    `snr` in dB are those of the gateway that heard it best. `delivery` is the network server's name for this telling of
    it, "" where it has none; `simulated`: nobody sent it, somebody typed it in at the network server.
    """

    dev_eui: str
    session: str
    counter: int
    port: int | None
    payload: bytes
    at: datetime | None
    rssi: float | None
    snr: float | None
    battery: float | None = None
    delivery: str = ""
    simulated: bool = False


class Status(Struct, frozen=True):
    """A device's answer to "how are you": no frame, no word on a space. `battery` is 0..1."""

    dev_eui: str
    at: datetime | None
    battery: float | None


class Reception(Struct, frozen=True):
    """How one gateway heard it; `gps_at` only where its clock is set by GPS."""

    rssi: float | None
    snr: float | None
    gps_at: datetime | None


def heard_at(network: datetime | None, receptions: list[Reception]) -> datetime | None:
    """The earliest GPS time that `network`, the network server's clock, does not contradict; else that one."""
    gps = [reception.gps_at for reception in receptions if reception.gps_at is not None]
    if network is None:
        return min(gps, default=None)
    near = [at for at in gps if -GPS_AHEAD_MAX <= network - at <= GPS_BEHIND_MAX]
    return min(near, default=network)


def best(receptions: list[Reception]) -> Reception:
    """The gateway that heard it best."""
    return max(
        receptions,
        key=lambda reception: -999.0 if reception.rssi is None else reception.rssi,
        default=Reception(None, None, None),
    )


def instant(text: str | None) -> datetime | None:
    """A time that may be missing or wrong without any harm."""
    if not text:
        return None
    try:
        return msgspec.convert(text, Instant)
    except (msgspec.ValidationError, OverflowError):
        return None
