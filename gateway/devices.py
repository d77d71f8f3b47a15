"""A device on a LoRaWAN network: its network server's message becomes facts about its space, or a reason why not. Pure.

The topic says who speaks; only where it names no registered device, the DevEUI inside the message does. An uplink with
several words on the space gives several facts. One without any is a heartbeat: it counts as one event in the books, and
`DeviceHeard` carries what it told of the device.

The order of truth is `(at, epoch, seq)`: `at` is the network's time of the uplink, `epoch` its session and frame
counter, `seq` the place in the uplink. So each uplink is an epoch of its own: a counter that skips is a lost frame,
which no snapshot brings back. Words that the device stamped itself (a history sent later) have neither, so that the
same entry in two uplinks is one fact.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final

import msgspec

from contracts.facts import DeviceHeard, SpaceSeen
from contracts.wire import PassageMessage, SpaceEvent
from gateway.directory import Directory, KnownCarPark
from gateway.envelopes import chirpstack, tts
from gateway.envelopes.topics import Network, NetworkTopic
from gateway.envelopes.uplink import Status, Uplink
from gateway.events import YEAR_MIN, Decoded, Refused, take_passage, take_space
from gateway.heard import STATUS_COUNTER, Counting, Heard
from gateway.known_device import KnownDevice
from gateway.profiles.profile import AnyProfile, Frame, Reading, Unreadable
from gateway.profiles.settings import CounterSettings, DeviceSettings
from gateway.refusals import Reason, Reject, explain

_UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_READ: Final[Mapping[Network, Callable[[bytes], Uplink | Status]]] = {
    "tts": tts.read,
    "chirpstack": chirpstack.read,
    "chirpstack status": chirpstack.read_status,
}


def decode_network(topic: NetworkTopic, payload: bytes, received_at: datetime, directory: Directory) -> Decoded:
    """The facts and refusals in what a network server published on `topic`."""
    said = _decode(topic, payload, received_at, directory)
    return msgspec.structs.replace(said, read_with=directory.version)


def _decode(topic: NetworkTopic, payload: bytes, received_at: datetime, directory: Directory) -> Decoded:
    device = directory.device(topic.device)
    try:
        message = _READ[topic.network](payload)
    except _UNREADABLE as error:
        return _refused(_car_park_of(device, directory), *explain(error))
    if device is None and topic.network == "tts" and message.dev_eui:
        device = directory.device(message.dev_eui)
    car_park = _car_park_of(device, directory)
    if device is None or car_park is None:
        also = f", nor one with the DevEUI {message.dev_eui!r}" if message.dev_eui not in {"", topic.device} else ""
        return _refused(None, Reason.UNKNOWN_DEVICE, f"no device {topic.device!r} is registered{also}")
    if device.profile is None or device.settings is None:
        return _refused(car_park, device.refusal or Reason.UNKNOWN_PROFILE, device.detail)
    refusal = _foreign(topic, device.id, device.settings)
    if refusal is not None:
        return _refused(car_park, *refusal)
    told_at = _moment(message.at, received_at)
    if told_at is None:
        return _refused(car_park, Reason.TIME_OUT_OF_RANGE, f"the network server's time is no time: {message.at}")
    if isinstance(message, Status):
        return Decoded(car_park, heard=_status(device, message, told_at, received_at), codec=device.profile.codec)
    reader = _Reader(device, device.profile, device.settings, car_park, told_at, received_at)
    return reader.read(message)


def names_in(topic: NetworkTopic, payload: bytes) -> list[str]:
    """Every name by which `payload` may find its device."""
    try:
        return [topic.device, _READ[topic.network](payload).dev_eui]
    except _UNREADABLE:
        return [topic.device]


@dataclass(frozen=True, slots=True)
class _Reader:
    """A registered device, and everything that its uplinks are read with."""

    device: KnownDevice
    profile: AnyProfile
    settings: DeviceSettings
    car_park: KnownCarPark
    told_at: datetime
    received_at: datetime

    def read(self, uplink: Uplink) -> Decoded:
        """All that the uplink says, or why it says nothing: all is about one space, so one refusal is for all of it."""
        refused = partial(_refused, self.car_park, codec=self.profile.codec)
        if uplink.simulated:
            return refused(Reason.SIMULATED, "the network server says that nobody sent this uplink: it is a simulation")
        if not uplink.session.isprintable():
            return refused(Reason.FORBIDDEN_CHARACTER, "the session may hold printable characters only")
        reading = self.profile.read(Frame(uplink.payload, uplink.port), self.settings)
        if isinstance(reading, Unreadable):
            return refused(*reading)
        heard = _heard(self.device, uplink, reading, told_at=self.told_at, received_at=self.received_at)
        spaces = self._spaces(heard, reading)
        if isinstance(spaces, Refused):
            return refused(*spaces)
        counting = self._counting(heard, reading)
        if isinstance(counting, Refused):
            return refused(*counting)
        heard = msgspec.structs.replace(heard, counting=counting)
        return Decoded(self.car_park, spaces, heard=heard, codec=self.profile.codec)

    def _spaces(self, heard: Heard, reading: Reading) -> tuple[SpaceSeen, ...] | Refused:
        """One fact for each mark."""
        if not reading.marks:
            return ()
        space = self.device.space
        if space is None:
            return Refused(Reason.NO_SPACE, f"device {self.device.id!r} watches a space, and none is registered for it")
        facts = []
        for index, mark in enumerate(reading.marks):
            event = (
                SpaceEvent(space, mark.state, heard.told_at, index, heard.epoch, reading.battery)
                if mark.at is None
                else SpaceEvent(space, mark.state, mark.at)
            )
            fact = take_space(event, self.car_park, self.received_at)
            if isinstance(fact, Refused):
                return fact
            facts.append(fact)
        return tuple(facts)

    def _counting(self, heard: Heard, reading: Reading) -> Counting | Refused | None:
        """A vehicle counter in a lane: what it grew by are passages of nobody we know, says `settle_counters`."""
        settings = self.settings
        if not reading.counts or not isinstance(settings, CounterSettings):
            return None
        if settings.lane is None or settings.direction is None:
            return None
        seen = PassageMessage(heard.id_of(0), settings.lane, settings.direction, heard.told_at)
        passage = take_passage(seen, self.car_park, self.received_at)
        return passage if isinstance(passage, Refused) else Counting(reading.counts, passage)


def _moment(said: datetime | None, received_at: datetime) -> datetime | None:
    """The network's time in UTC, ours where it tells none; None when it is none that we can keep."""
    if said is None:
        return received_at
    try:
        at = said.astimezone(UTC)
    except OverflowError:
        return None
    return at if at.year >= YEAR_MIN else None


def _heard(device: KnownDevice, uplink: Uplink, reading: Reading, *, told_at: datetime, received_at: datetime) -> Heard:
    battery = uplink.battery if reading.battery is None else reading.battery
    return Heard(
        fact=DeviceHeard(
            device=device.id,
            car_park=device.car_park,
            at=min(told_at, received_at),
            received_at=received_at,
            battery=battery,
            battery_mv=reading.battery_mv,
            battery_low=reading.battery_low,
            temperature_c=reading.temperature_c,
            rssi=uplink.rssi,
            snr=uplink.snr,
        ),
        session=uplink.session,
        counter=uplink.counter,
        frame=hashlib.blake2b(bytes((uplink.port or 0,)) + uplink.payload, digest_size=8).digest(),
        told_at=told_at,
        delivery=uplink.delivery,
    )


def _status(device: KnownDevice, status: Status, told_at: datetime, received_at: datetime) -> Heard:
    """Its time tells one answer from the next."""
    at = min(told_at, received_at)
    fact = DeviceHeard(device.id, device.car_park, at, received_at, battery=status.battery)
    return Heard(fact, "status", STATUS_COUNTER, told_at.isoformat().encode(), told_at)


def _foreign(topic: NetworkTopic, device: str, settings: DeviceSettings) -> Refused | None:
    wanted = settings.application
    if wanted is None or wanted in {topic.application, topic.application.partition("@")[0]}:
        return None
    return Refused(Reason.FOREIGN_DEVICE, f"application {topic.application!r} may not speak for device {device!r}")


def _car_park_of(device: KnownDevice | None, directory: Directory) -> KnownCarPark | None:
    return None if device is None else directory.car_park(device.car_park)


def _refused(car_park: KnownCarPark | None, reason: Reason, detail: str, codec: str = "") -> Decoded:
    return Decoded(car_park, rejects=(Reject(reason, detail),), codec=codec)
