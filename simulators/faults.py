"""What goes wrong with sensors, by rates and a seed: the events a car park should tell become those it does tell. Pure.

A fault never makes up a space, nor an event that the sensor did not mean, except where that is the fault (`stuck`
repeats its first state, `flapping` takes a word back and says it again). The same seed and events give the same stream.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from msgspec.structs import replace as but

from contracts.wire import SpaceEvent, SpaceStateWord

_FLAP: Final = timedelta(milliseconds=40)
_WRAPS_AFTER: Final = 5
"""Words: a simulation is short."""


class Trait(StrEnum):
    """What is wrong with a sensor for good."""

    SOUND = "sound"
    STUCK = "stuck"
    SILENT = "silent"
    CLOCK_BEHIND = "clock_behind"
    CLOCK_AHEAD = "clock_ahead"
    FLAPPING = "flapping"


@dataclass(frozen=True, slots=True)
class FaultPlan:
    """Rates from 0 to 1. Durations are (shortest, longest), seconds of real time.

    Of an event: `duplicate` is told twice, `out_of_order` after the next one's, `late` only after `late_s`, `lost`
    never. Of a sensor: `stuck`, `silent`, `clock_behind` and `clock_ahead` (by a `clock_off_s`), `flapping` (so many
    `flaps` at each change), `wrapping` (its numbers have 16 bits and are about to begin anew). Of a car park and
    second: `burst` holds everything back for `burst_s` and tells it at once, `reconnect` restarts its gateway, which
    begins a new epoch with a snapshot. Of an order: `order_*`, see `simulators.order_faults`.
    """

    seed: int = 0
    duplicate: float = 0.0
    out_of_order: float = 0.0
    late: float = 0.0
    late_s: tuple[float, float] = (30.0, 600.0)
    lost: float = 0.0
    stuck: float = 0.0
    silent: float = 0.0
    clock_behind: float = 0.0
    clock_ahead: float = 0.0
    clock_off_s: tuple[float, float] = (60.0, 86_400.0)
    flapping: float = 0.0
    flaps: int = 1
    wrapping: float = 0.0
    burst: float = 0.0
    burst_s: tuple[float, float] = (10.0, 60.0)
    reconnect: float = 0.0
    order_deaf: float = 0.0
    order_jammed: float = 0.0
    order_answered_twice: float = 0.0
    order_answered_late: float = 0.0
    order_answered_by_another: float = 0.0

    def __post_init__(self) -> None:
        for name in (each.name for each in fields(self)):
            value = getattr(self, name)
            if isinstance(value, tuple):
                if not 0 <= value[0] <= value[1]:
                    raise ValueError(f"{name} must be (shortest, longest), not {value}")
            elif name == "flaps":
                if value < 1:
                    raise ValueError(f"flaps must be at least 1, not {value}")
            elif name != "seed" and not 0 <= value <= 1:
                raise ValueError(f"{name} must be from 0 to 1, not {value}")
        if self.stuck + self.silent + self.clock_behind + self.clock_ahead + self.flapping > 1:
            raise ValueError("more than all sensors are faulty")
        if sum(getattr(self, each.name) for each in fields(self) if each.name.startswith("order_")) > 1:
            raise ValueError("more than all orders meet with a fault")

    @property
    def is_harmless(self) -> bool:
        """Whether nothing goes wrong at all."""
        return self == FaultPlan(self.seed)


class FaultySensors:
    """The sensors of one car park under a plan; hears of every tick, because it holds events back."""

    def __init__(self, plan: FaultPlan, car_park: str) -> None:
        self._plan = plan
        self._car_park = car_park
        self._random = random.Random(f"{plan.seed} {car_park}")  # noqa: S311 - a seeded play
        self._sensors: dict[str, tuple[Trait, timedelta]] = {}
        self._stuck: dict[str, SpaceStateWord] = {}
        self._more_seq: dict[str, int] = {}
        self._next: list[SpaceEvent] = []
        self._held: list[tuple[datetime, SpaceEvent]] = []
        self._dammed: list[SpaceEvent] = []
        self._dam_until: datetime | None = None

    def told(self, events: Sequence[SpaceEvent], now: datetime) -> list[SpaceEvent]:
        """What is told at this tick instead of `events`, in the order of telling."""
        plan, draw = self._plan, self._random
        behind, self._next = self._next, []
        out: list[SpaceEvent] = []
        for event in events:
            for said in self._numbered(self._as_sensed(event)):
                if plan.lost and draw.random() < plan.lost:
                    continue
                if draw.random() < plan.late:
                    self._held.append((now + timedelta(seconds=draw.uniform(*plan.late_s)), said))
                elif draw.random() < plan.out_of_order:
                    self._next.append(said)
                else:
                    out.append(said)
                    if draw.random() < plan.duplicate:
                        out.append(said)
        out += behind
        out += [event for due, event in self._held if due <= now]
        self._held = [(due, event) for due, event in self._held if due > now]
        return self._dam(out, now)

    def reconnects(self) -> bool:
        """Whether the car park's gateway restarts at this tick."""
        return self._random.random() < self._plan.reconnect

    def repeats(self) -> bool:
        """Whether a message of counters or lanes is told twice."""
        return self._random.random() < self._plan.duplicate

    def trait(self, space: str) -> Trait:
        """What is wrong with the sensor of a space, always the same."""
        return self._sensor(space)[0]

    def _sensor(self, space: str) -> tuple[Trait, timedelta]:
        if space not in self._sensors:
            own = random.Random(f"{self._plan.seed} {self._car_park} {space}")  # noqa: S311 - a seeded play
            drawn, off = own.random(), timedelta(seconds=round(own.uniform(*self._plan.clock_off_s), 3))
            found = (Trait.SOUND, off)
            for trait in (Trait.STUCK, Trait.SILENT, Trait.CLOCK_BEHIND, Trait.CLOCK_AHEAD, Trait.FLAPPING):
                share: float = getattr(self._plan, trait)
                if drawn < share:
                    found = (trait, off)
                    break
                drawn -= share
            self._sensors[space] = found
        return self._sensors[space]

    def _as_sensed(self, event: SpaceEvent) -> Sequence[SpaceEvent]:
        trait, off = self._sensor(event.space)
        match trait:
            case Trait.SILENT:
                return ()
            case Trait.STUCK:
                return (but(event, state=self._stuck.setdefault(event.space, event.state)),)
            case Trait.CLOCK_BEHIND:
                return (but(event, at=event.at - off),)
            case Trait.CLOCK_AHEAD:
                return (but(event, at=event.at + off),)
            case Trait.FLAPPING if event.state in ("free", "occupied"):
                return self._flapped(event)
            case Trait.FLAPPING if event.seq is not None:
                return (but(event, seq=event.seq + self._more_seq.get(event.space, 0)),)
            case _:
                return (event,)

    def _numbered(self, events: Sequence[SpaceEvent]) -> Sequence[SpaceEvent]:
        """With the numbers of a 16-bit counter that has nearly come round, where the sensor has one."""
        if not self._plan.wrapping or not events or not self._wraps(events[0].space):
            return events
        return [event if event.seq is None else but(event, seq=(event.seq - _WRAPS_AFTER) % 2**16) for event in events]

    def _wraps(self, space: str) -> bool:
        own = random.Random(f"{self._plan.seed} {self._car_park} {space} wraps")  # noqa: S311 - a seeded play
        return own.random() < self._plan.wrapping

    def _flapped(self, event: SpaceEvent) -> Sequence[SpaceEvent]:
        """The word, taken back, said again, `flaps` times: more events than there were, so `seq` runs ahead."""
        opposite: SpaceStateWord = "free" if event.state == "occupied" else "occupied"
        more = self._more_seq.get(event.space, 0)
        last = 2 * self._plan.flaps
        self._more_seq[event.space] = more + last
        return [
            but(
                event,
                at=event.at - (last - step) * _FLAP,
                seq=None if event.seq is None else event.seq + more + step,
                state=opposite if step % 2 else event.state,
            )
            for step in range(last + 1)
        ]

    def _dam(self, events: list[SpaceEvent], now: datetime) -> list[SpaceEvent]:
        if self._dam_until is None:
            if self._plan.burst == 0 or self._random.random() >= self._plan.burst:
                return events
            self._dam_until = now + timedelta(seconds=self._random.uniform(*self._plan.burst_s))
        self._dammed += events
        if now < self._dam_until:
            return []
        told, self._dammed, self._dam_until = self._dammed, [], None
        return told
