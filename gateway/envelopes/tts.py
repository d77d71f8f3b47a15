"""The Things Stack v3, `.../up`: what is empty or 0 is left out, so the first frame after a join has no `f_cnt`."""

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from contracts.wire import Instant
from gateway.envelopes.uplink import FRAME_COUNTER_MAX, GATEWAYS_MAX, Reception, Text, Uplink, best, heard_at, instant
from gateway.share import share_of_hundred


class _Ids(Struct):
    dev_eui: Text = ""
    dev_addr: Text = ""


class _Reception(Struct):
    rssi: float | None = None
    channel_rssi: float | None = None
    snr: float | None = None
    gps_time: str | None = None


class _Battery(Struct):
    value: float | None = None


class _Message(Struct):
    session_key_id: Annotated[str, Meta(max_length=48)] = ""
    f_cnt: Annotated[int, Meta(ge=0, le=FRAME_COUNTER_MAX)] = 0
    f_port: Annotated[int, Meta(ge=0, le=255)] | None = None
    frm_payload: bytes = b""
    received_at: Instant | None = None
    rx_metadata: Annotated[list[_Reception], Meta(max_length=GATEWAYS_MAX)] | None = None
    last_battery_percentage: _Battery | None = None


class _Envelope(Struct):
    uplink_message: _Message
    end_device_ids: _Ids = msgspec.field(default_factory=_Ids)
    received_at: Instant | None = None
    simulated: bool = False


_decode = msgspec.json.Decoder(_Envelope).decode


def read(payload: bytes) -> Uplink:
    """Raises msgspec.DecodeError, UnicodeDecodeError, RecursionError."""
    envelope = _decode(payload)
    message, ids = envelope.uplink_message, envelope.end_device_ids
    receptions = [
        Reception(heard.channel_rssi if heard.rssi is None else heard.rssi, heard.snr, instant(heard.gps_time))
        for heard in message.rx_metadata or ()
    ]
    strongest = best(receptions)
    percentage = None if message.last_battery_percentage is None else message.last_battery_percentage.value
    return Uplink(
        dev_eui=ids.dev_eui,
        session=message.session_key_id or ids.dev_addr[:48],
        counter=message.f_cnt,
        port=message.f_port,
        payload=message.frm_payload,
        at=heard_at(message.received_at or envelope.received_at, receptions),
        rssi=strongest.rssi,
        snr=strongest.snr,
        battery=share_of_hundred(percentage),
        simulated=envelope.simulated,
    )
