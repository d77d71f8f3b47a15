"""ChirpStack v4 over MQTT in JSON: fields at their default are left out, so the first frame after a join has no `fCnt`.

It tells no session, so the device address stands for it: a join gives a new one. `deduplicationId` is the same for a
message that is delivered again, but a late gateway makes a second one with another; address and counter know both.
Its `time` is a gateway's wherever one told a time; its own clock is the `nsTime` of the receptions, if it tells that.
"""

from datetime import datetime, timedelta
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from contracts.wire import Instant
from gateway.envelopes.uplink import (
    FRAME_COUNTER_MAX,
    GATEWAYS_MAX,
    GPS_EPOCH,
    GPS_LEAP_SECONDS,
    Reception,
    Status,
    Text,
    Uplink,
    best,
    heard_at,
    instant,
)
from gateway.share import share_of_hundred


class _Device(Struct, rename="camel"):
    dev_eui: Text = ""


class _Reception(Struct, rename="camel"):
    rssi: float | None = None
    snr: float | None = None
    ns_time: str | None = None
    time_since_gps_epoch: str | None = None


class _Up(Struct, rename="camel"):
    deduplication_id: Text = ""
    device_info: _Device = msgspec.field(default_factory=_Device)
    dev_addr: Annotated[str, Meta(max_length=48)] = ""
    f_cnt: Annotated[int, Meta(ge=0, le=FRAME_COUNTER_MAX)] = 0
    f_port: Annotated[int, Meta(ge=0, le=255)] | None = None
    data: bytes = b""
    time: Instant | None = None
    rx_info: Annotated[list[_Reception], Meta(max_length=GATEWAYS_MAX)] | None = None


class _Status(Struct, rename="camel"):
    device_info: _Device = msgspec.field(default_factory=_Device)
    time: Instant | None = None
    battery_level: float | None = None
    battery_level_unavailable: bool = False


_decode_up = msgspec.json.Decoder(_Up).decode
_decode_status = msgspec.json.Decoder(_Status).decode


def read(payload: bytes) -> Uplink:
    """Raises msgspec.DecodeError, UnicodeDecodeError, RecursionError."""
    up = _decode_up(payload)
    receptions = [Reception(heard.rssi, heard.snr, _gps_time(heard.time_since_gps_epoch)) for heard in up.rx_info or ()]
    strongest = best(receptions)
    own = [at for at in (instant(heard.ns_time) for heard in up.rx_info or ()) if at is not None]
    return Uplink(
        dev_eui=up.device_info.dev_eui,
        session=up.dev_addr,
        counter=up.f_cnt,
        port=up.f_port,
        payload=up.data,
        at=heard_at(min(own, default=up.time), receptions),
        rssi=strongest.rssi,
        snr=strongest.snr,
        delivery=up.deduplication_id,
    )


def read_status(payload: bytes) -> Status:
    """Raises msgspec.DecodeError, UnicodeDecodeError, RecursionError."""
    status = _decode_status(payload)
    level = None if status.battery_level_unavailable else status.battery_level
    return Status(status.device_info.dev_eui, status.time, share_of_hundred(level))


def _gps_time(duration: str | None) -> datetime | None:
    """A protobuf duration such as `1342343125.338s` since the GPS epoch; None where it is none."""
    try:
        return GPS_EPOCH + timedelta(seconds=float((duration or "").removesuffix("s"))) - GPS_LEAP_SECONDS
    except (ValueError, OverflowError):
        return None
