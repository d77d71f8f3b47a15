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

from contracts.facts import CountSeen, PassageSeen, SpaceSeen, StatusSeen
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
from gateway.cameras.hear import hear_camera
from gateway.devices import decode_network
from gateway.directory import Directory, KnownCarPark
from gateway.events import AckSeen, Decoded, Refused, take_ack, take_count, take_passage, take_space, take_status
from gateway.refusals import Reason, Reject, explain

_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_members = Decoder(dict[str, msgspec.Raw]).decode
_items = Decoder(list[msgspec.Raw]).decode


@dataclass(frozen=True, slots=True)
class _Kind:
    """How one kind is read: an event alone, several in the list `key`, what one event means and what all say."""

    one: Callable[[bytes], Any]
    take: Callable[[Any, KnownCarPark, datetime], Any]
    said: Callable[..., Decoded]
    key: str = ""
    many: Callable[[bytes], Iterable[Any]] | None = None
    marker: bytes = b""


def _events(payload: bytes, decode_all: Callable[[bytes], SpacesMessage] = Decoder(SpacesMessage).decode) -> Any:
    return decode_all(payload).events


def _counts(payload: bytes, decode_all: Callable[[bytes], CountsMessage] = Decoder(CountsMessage).decode) -> Any:
    return decode_all(payload).counts


def _said_spaces(car_park: KnownCarPark, facts: tuple[SpaceSeen, ...], rejects: tuple[Reject, ...] = ()) -> Decoded:
    return Decoded(car_park, facts, rejects=rejects)


def _said_counts(car_park: KnownCarPark, facts: tuple[CountSeen, ...], rejects: tuple[Reject, ...] = ()) -> Decoded:
    return Decoded(car_park, counts=facts, rejects=rejects)


def _said_passages(car_park: KnownCarPark, facts: tuple[PassageSeen, ...], rejects: tuple[Reject, ...] = ()) -> Decoded:
    return Decoded(car_park, passages=facts, rejects=rejects)


def _said_status(car_park: KnownCarPark, facts: tuple[StatusSeen, ...], rejects: tuple[Reject, ...] = ()) -> Decoded:
    return Decoded(car_park, statuses=facts, rejects=rejects)


def _said_acks(car_park: KnownCarPark, facts: tuple[AckSeen, ...], rejects: tuple[Reject, ...] = ()) -> Decoded:
    return Decoded(car_park, acks=facts, rejects=rejects)


_KINDS: Final[Mapping[str, _Kind]] = {
    "spaces": _Kind(Decoder(SpaceEvent).decode, take_space, _said_spaces, "events", _events, b'"events"'),
    "counts": _Kind(Decoder(CountReport).decode, take_count, _said_counts, "counts", _counts, b'"counts"'),
    "passages": _Kind(Decoder(PassageMessage).decode, take_passage, _said_passages),
    "status": _Kind(Decoder(StatusMessage).decode, take_status, _said_status),
    "acks": _Kind(Decoder(AckMessage).decode, take_ack, _said_acks),
}


def decode(
    topic: str, payload: bytes, received_at: datetime, directory: Directory, *, payload_bytes: int | None = None
) -> Decoded:
    """The facts and refusals in `payload`, as sent on `topic` and received at `received_at` (UTC).

    `payload_bytes` is its true length where only its beginning was kept.
    """
    speaker = directory.speaker(topic)
    if speaker.camera is not None:
        return hear_camera(speaker.camera, payload, received_at, directory, payload_bytes=payload_bytes)
    car_park = speaker.car_park
    size = len(payload) if payload_bytes is None else payload_bytes
    if not 0 < size <= PAYLOAD_BYTES_MAX:
        whose = car_park if speaker.network is None else directory.car_park_of(speaker.network.device)
        if not size:
            return _refused(whose, Reason.EMPTY, "the message has no payload")
        return _refused(whose, Reason.OVERSIZED, f"{size} bytes; the limit is {PAYLOAD_BYTES_MAX}")
    if speaker.network is not None:
        return decode_network(speaker.network, payload, received_at, directory)
    if car_park is None or speaker.refusal is not None:
        return _refused(car_park, speaker.refusal or Reason.UNKNOWN_CAR_PARK, speaker.detail)
    kind = _KINDS.get(speaker.kind)
    if kind is None:
        return _refused(car_park, Reason.UNKNOWN_TOPIC, f"{speaker.kind!r} is not one of {', '.join(_KINDS)}")
    take = kind.take
    try:
        if kind.many is None or kind.marker not in payload:
            fact = take(kind.one(payload), car_park, received_at)
            if fact.__class__ is not Refused:
                return kind.said(car_park, (fact,))
        else:
            facts = [take(event, car_park, received_at) for event in kind.many(payload)]
            if Refused not in map(type, facts):
                return kind.said(car_park, tuple(facts))
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
    facts: list[object] = []
    rejects: list[Reject] = []
    for index, raw in enumerate(raws):
        try:
            fact = kind.take(kind.one(raw), car_park, received_at)
        except _UNREADABLE as error:
            fact = Refused(*explain(error))
        if not isinstance(fact, Refused):
            facts.append(fact)
        elif listed is None:
            rejects.append(Reject(fact.reason, fact.detail))
        else:
            rejects.append(Reject(fact.reason, fact.detail, index, bytes(raw)))
    return kind.said(car_park, tuple(facts), tuple(rejects))


def _refused(car_park: KnownCarPark | None, reason: Reason, detail: str) -> Decoded:
    return Decoded(car_park, rejects=(Reject(reason, detail),))
