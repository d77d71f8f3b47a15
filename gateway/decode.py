"""A device's bytes become facts, or a reason why not. Pure: no clock, no I/O; never raises for what a device sends.

The fast path lets msgspec decode the whole message. Only when that fails, or an event is refused, the slow path takes
the message apart event by event, keeps the good ones and says for each bad one exactly what is wrong with it. The
length is looked at first and nothing has a default state: an empty frame is refused, not read as "free".
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec.json import Decoder

from contracts.wire import (
    EVENTS_MAX,
    PAYLOAD_BYTES_MAX,
    AckMessage,
    CountReport,
    CountsMessage,
    PassageMessage,
    SpaceEvent,
    SpacesMessage,
    StatusMessage,
)
from gateway.directory import Directory, KnownCarPark
from gateway.events import Decoded, Refused, take_ack, take_count, take_passage, take_space, take_status
from gateway.refusals import Reason, Reject, explain

_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_members = Decoder(dict[str, msgspec.Raw]).decode
_items = Decoder(list[msgspec.Raw]).decode


@dataclass(frozen=True, slots=True)
class _Kind:
    """How one kind of message is read: an event alone, several in the list `key`, and what an event means."""

    one: Callable[[bytes], Any]
    take: Callable[[Any, KnownCarPark, datetime, Decoded], Refused | None]
    key: str = ""
    many: Callable[[bytes], Iterable[Any]] | None = None
    marker: bytes = b""


def _events(payload: bytes, decode_all: Callable[[bytes], SpacesMessage] = Decoder(SpacesMessage).decode) -> Any:
    return decode_all(payload).events


def _counts(payload: bytes, decode_all: Callable[[bytes], CountsMessage] = Decoder(CountsMessage).decode) -> Any:
    return decode_all(payload).counts


_KINDS: Final[Mapping[str, _Kind]] = {
    "spaces": _Kind(Decoder(SpaceEvent).decode, take_space, "events", _events, b'"events"'),
    "counts": _Kind(Decoder(CountReport).decode, take_count, "counts", _counts, b'"counts"'),
    "passages": _Kind(Decoder(PassageMessage).decode, take_passage),
    "status": _Kind(Decoder(StatusMessage).decode, take_status),
    "acks": _Kind(Decoder(AckMessage).decode, take_ack),
}


def decode(
    topic: str, payload: bytes, received_at: datetime, directory: Directory, *, payload_bytes: int | None = None
) -> Decoded:
    """The facts and refusals in `payload`, as sent on `topic` and received at `received_at` (UTC).

    `payload_bytes` is its true length where only its beginning was kept.
    """
    speaker = directory.speaker(topic)
    car_park = speaker.car_park
    if not payload:
        return _refused(car_park, Reason.EMPTY, "the message has no payload")
    size = len(payload) if payload_bytes is None else payload_bytes
    if size > PAYLOAD_BYTES_MAX:
        return _refused(car_park, Reason.OVERSIZED, f"{size} bytes; the limit is {PAYLOAD_BYTES_MAX}")
    if car_park is None or speaker.refusal is not None:
        return _refused(car_park, speaker.refusal or Reason.UNKNOWN_CAR_PARK, speaker.detail)
    kind = _KINDS.get(speaker.kind)
    if kind is None:
        return _refused(car_park, Reason.UNKNOWN_TOPIC, f"{speaker.kind!r} is not one of {', '.join(_KINDS)}")
    said = Decoded(car_park)
    take = kind.take
    try:
        if kind.many is not None and kind.marker in payload:
            for event in kind.many(payload):
                if take(event, car_park, received_at, said) is not None:
                    break
            else:
                return said
        elif take(kind.one(payload), car_park, received_at, said) is None:
            return said
    except _UNREADABLE:
        pass
    return _event_by_event(kind, payload, received_at, car_park)


def _event_by_event(kind: _Kind, payload: bytes, received_at: datetime, car_park: KnownCarPark) -> Decoded:
    """The slow path, for a message that has something wrong with it."""
    try:
        members = _members(payload)
        listed = members.get(kind.key) if kind.key else None
        raws = [payload] if listed is None else _items(listed)
    except msgspec.ValidationError as error:
        return _refused(car_park, Reason.WRONG_SHAPE, str(error))
    except _UNREADABLE as error:
        return _refused(car_park, *explain(error))
    if len(raws) > EVENTS_MAX:
        return _refused(car_park, Reason.TOO_MANY_EVENTS, f"{len(raws)} events; the limit is {EVENTS_MAX}")
    said = Decoded(car_park)
    for index, raw in enumerate(raws):
        try:
            refused = kind.take(kind.one(raw), car_park, received_at, said)
        except _UNREADABLE as error:
            refused = Refused(*explain(error))
        if refused is None:
            continue
        if listed is None:
            said.rejects.append(Reject(refused.reason, refused.detail))
        else:
            said.rejects.append(Reject(refused.reason, refused.detail, index, bytes(raw)))
    return said


def _refused(car_park: KnownCarPark | None, reason: Reason, detail: str) -> Decoded:
    return Decoded(car_park, rejects=[Reject(reason, detail)])
