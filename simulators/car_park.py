"""What a car park's devices say about what happens in it: sensors, counters and cameras put into messages. Pure.

The car park numbers its words: `seq` grows per space and per counter within an epoch, and a restart begins a new one.
"""

import zlib
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from contracts.wire import (
    AckMessage,
    CountReport,
    CountsMessage,
    PassageMessage,
    SpaceEvent,
    SpacesMessage,
    SpaceStateWord,
    StatusMessage,
    up_topic,
)
from simulators.cameras import Read, sharp
from simulators.equipment import Equipment
from simulators.layout import Counter, Layout

SOFTWARE: Final = "berth-simulator"
EVENTS_A_MESSAGE_MAX: Final = 2_000
"""Of a snapshot: 220 kB of the 1 MiB."""
_OUT_OF_SERVICE_PER_MILLE: Final = 2
_encode = msgspec.json.Encoder().encode

Taken = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Message:
    """Ready to be published, QoS 1."""

    topic: str
    payload: bytes
    retain: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """Slot `slot` was taken or freed by `vehicle`."""

    slot: int
    taken: bool
    at: datetime
    vehicle: int


class _Counting:
    """A counter's running totals since it was switched on."""

    def __init__(self, counter: Counter) -> None:
        self.counter = counter
        self.entered = self.left = self.seq = 0
        self.occupied = 0


class CarPark:
    """One car park's gateway. `taken` arguments are the truth of its slots, in the order of the layout."""

    def __init__(self, operator: str, car_park: str, layout: Layout, *, started: datetime, read: Read = sharp) -> None:
        self.id = car_park
        self.came_before: dict[int, datetime] = {}
        """Vehicles whose entry is told only when they leave: nobody looked at the lanes when they came."""
        self._read = read
        self.layout = layout
        self.equipment = Equipment()
        self._topics = {kind: up_topic(operator, car_park, kind) for kind in ("spaces", "counts", "passages", "acks")}
        self._status_topic = up_topic(operator, car_park, "status")
        self._seqs = array("q", [0]) * layout.slots
        self._passages = 0
        self._tells_free = zlib.crc32(car_park.encode()) % 2 == 0
        self.sensed: Sequence[int] = [slot for slot, label in enumerate(layout.sensors) if label is not None]
        self._out = frozenset(
            slot
            for slot in self.sensed
            if zlib.crc32(f"{car_park} {layout.sensors[slot]}".encode()) % 1000 < _OUT_OF_SERVICE_PER_MILLE
        )
        self._epoch = _epoch(started)
        self._counting = [_Counting(counter) for counter in layout.counters]

    def restart(self, at: datetime) -> None:
        """A new epoch: numbers and totals begin again. A snapshot is due."""
        self._epoch = _epoch(at)
        self._seqs = array("q", [0]) * self.layout.slots
        self._passages = 0
        self._counting = [_Counting(counting.counter) for counting in self._counting]

    def snapshot(self, taken: Taken, at: datetime) -> tuple[list[SpaceEvent], list[Message]]:
        """Every sensor's state and every counter's count."""
        for counting in self._counting:
            counting.occupied = int(taken[counting.counter.first : counting.counter.until].sum())
            counting.left = counting.entered - counting.occupied
            if counting.left < 0:
                counting.entered, counting.left = counting.occupied, 0
        return self.states(taken, self.sensed, at), self.counts(at)

    def states(self, taken: Taken, slots: Sequence[int], at: datetime) -> list[SpaceEvent]:
        """The present word of these sensors, with the charge of their batteries: a heartbeat."""
        return [
            SpaceEvent(
                self.layout.sensors[slot] or "",
                self._state(slot, bool(taken[slot])),
                at,
                self._next_seq(slot),
                self._epoch,
                self._battery(slot),
            )
            for slot in slots
        ]

    def counts(self, at: datetime) -> list[Message]:
        """The present word of all counters."""
        return [self._counts_message(self._counting, at)] if self._counting else []

    def changed(self, changes: Sequence[Change]) -> tuple[list[SpaceEvent], list[Message]]:
        """What sensors tell of the changes, in their order, and the messages of counters and cameras."""
        events: list[SpaceEvent] = []
        messages: list[Message] = []
        moved: dict[int, None] = {}
        sensors, out, lanes = self.layout.sensors, self._out, bool(self.layout.entries)
        for change in changes:
            label = sensors[change.slot]
            if label is not None and change.slot not in out:
                state: SpaceStateWord = "occupied" if change.taken else "free"
                events.append(SpaceEvent(label, state, change.at, self._next_seq(change.slot), self._epoch))
            for number, counting in enumerate(self._counting):
                if counting.counter.first <= change.slot < counting.counter.until:
                    moved[number] = None
                    if change.taken:
                        counting.entered += 1
                        counting.occupied += 1
                    else:
                        counting.left += 1
                        counting.occupied -= 1
            if lanes:
                came = self.came_before.pop(change.vehicle, None)
                if came is not None and not change.taken:
                    messages.append(self.passage(change.vehicle, came, entry=True))
                messages.append(self.passage(change.vehicle, change.at, entry=change.taken))
        if moved and not lanes:
            messages.append(self._counts_message([self._counting[number] for number in moved], changes[-1].at))
        return events, messages

    def spaces(self, events: Sequence[SpaceEvent]) -> Iterator[Message]:
        """Events as messages, none too large."""
        for start in range(0, len(events), EVENTS_A_MESSAGE_MAX):
            body = SpacesMessage(list(events[start : start + EVENTS_A_MESSAGE_MAX]))
            yield Message(self._topics["spaces"], _encode(body))

    def status(self, at: datetime, *, online: bool) -> Message:
        """Retained; with `online` false also the will."""
        return Message(self._status_topic, _encode(StatusMessage(online, at, SOFTWARE)), retain=True)

    def answer(self, ack: AckMessage) -> Message:
        """What became of an order."""
        return Message(self._topics["acks"], _encode(ack))

    def passage(self, vehicle: int, at: datetime, *, entry: bool) -> Message:
        """What the camera at a gate tells of `vehicle`."""
        self._passages += 1
        direction: Literal["entry", "exit"] = "entry" if entry else "exit"
        lane = self.gate_of(vehicle, entry=entry)
        reading = self._read(vehicle)
        plate = reading.plate
        seen = PassageMessage(
            f"{lane[:20]}-{self._epoch}-{self._passages:06}",
            lane,
            direction,
            at,
            plate,
            "large" if plate is not None and plate.color == "yellow" else "small",
            reading.confidence,
            None,
            reading.ticket,
        )
        return Message(self._topics["passages"], _encode(seen))

    def gate_of(self, vehicle: int, *, entry: bool) -> str:
        """The lane that `vehicle` takes, always the same."""
        lanes = self.layout.gates_in if entry else self.layout.gates_out
        return lanes[vehicle % len(lanes)]

    def _counts_message(self, counting: Sequence[_Counting], at: datetime) -> Message:
        reports = []
        for each in counting:
            each.seq += 1
            capacity, zone = each.counter.capacity, each.counter.zone
            free, occupied = (capacity - each.occupied, None) if self._tells_free else (None, each.occupied)
            reports.append(
                CountReport(at, zone, capacity, free, occupied, each.entered, each.left, each.seq, self._epoch)
            )
        return Message(self._topics["counts"], _encode(CountsMessage(reports)))

    def _next_seq(self, slot: int) -> int:
        seq = self._seqs[slot] + 1
        self._seqs[slot] = seq
        return seq

    def _state(self, slot: int, taken: bool) -> SpaceStateWord:
        if slot in self._out:
            return "out_of_service"
        return "occupied" if taken else "free"

    @staticmethod
    def _battery(slot: int) -> float:
        return (55 + slot * 37 % 45) / 100


def _epoch(at: datetime) -> str:
    """Milliseconds in hexadecimal: of two restarts the later has the greater one."""
    return f"{int(at.timestamp() * 1000):012x}"
