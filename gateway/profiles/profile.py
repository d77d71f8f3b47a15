"""What a device profile is, and what a frame can say. Pure.

A profile looks at the length first and has no default state: bytes that its layout does not know are `Unreadable`,
never a free space. A frame without a state (start-up of some devices, answers to settings, battery alone) is a
`Reading` without marks: the device was heard, its space has not changed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, NamedTuple, TypeVar

from msgspec import Struct

from contracts.profiles import Example, Measures, ProfileCard
from contracts.wire import SpaceStateWord
from gateway.profiles.settings import DeviceSettings
from gateway.refusals import Reason

FRAME_BYTES_MAX: Final = 242
"""The longest FRMPayload of any LoRaWAN region."""

S = TypeVar("S", bound=DeviceSettings)


class Frame(NamedTuple):
    """The decrypted payload of one uplink. `port` None: the network server left it out, which means 0."""

    payload: bytes
    port: int | None


class Mark(Struct, frozen=True):
    """One word on the space. `at` only where the device stamped it itself; else it is the time of the uplink."""

    state: SpaceStateWord
    at: datetime | None = None


class Count(Struct, frozen=True):
    """A vehicle counter's state, which begins again at 0 after `modulus` - 1. `anew`: it was set, nobody passed."""

    value: int
    modulus: int
    anew: bool = False

    def passed_since(self, before: int | None) -> int:
        """How many vehicles passed since the counter said `before`; none when that is not known.

        More than half of a round is a counter that was set back, not one that ran on.
        """
        if before is None or self.anew:
            return 0
        passed = (self.value - before) % self.modulus
        return passed if passed <= self.modulus // 2 else 0


class Reading(Struct, frozen=True):
    """What a frame said: `marks` oldest first. `battery` is 0..1 and only from devices that send a share of it.

    `counts`: the states of a vehicle counter, oldest first.
    """

    marks: tuple[Mark, ...] = ()
    counts: tuple[Count, ...] = ()
    battery: float | None = None
    battery_mv: int | None = None
    battery_low: bool | None = None
    temperature_c: float | None = None


class Unreadable(NamedTuple):
    """Why a frame says nothing."""

    reason: Reason
    detail: str


Decode = Callable[[Frame, S], Reading | Unreadable]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile(ProfileCard, Generic[S]):
    """One radio device. `codec` changes whenever the same bytes would say something else."""

    example: Example
    settings: type[S]
    decode: Decode[S]
    measures: Measures = "space"

    def read(self, frame: Frame, settings: S) -> Reading | Unreadable:
        """What `frame` says: length and port first, then the device's own layout."""
        if not frame.payload:
            return Unreadable(Reason.EMPTY, "the frame is empty: it says nothing of the space")
        if len(frame.payload) > FRAME_BYTES_MAX:
            return Unreadable(Reason.WRONG_LENGTH, f"{len(frame.payload)} bytes; LoRaWAN carries {FRAME_BYTES_MAX}")
        if self.ports and frame.port not in self.ports:
            known = ", ".join(map(str, self.ports))
            return Unreadable(Reason.WRONG_PORT, f"port {frame.port or 0}; this device sends on {known}")
        return self.decode(frame, settings)


AnyProfile = Profile[Any]


def occupied_if(bit: int) -> tuple[Mark, ...]:
    """One mark: `bit` not 0 = occupied."""
    return (OCCUPIED,) if bit else (FREE,)


OCCUPIED: Final = Mark("occupied")
FREE: Final = Mark("free")
UNKNOWN: Final = Mark("unknown")


def wrong_length(frame: Frame, *allowed: int) -> Unreadable | None:
    """Why the frame's length is none of `allowed`; None when it is one."""
    if len(frame.payload) in allowed:
        return None
    known = " or ".join(map(str, allowed))
    on = f" on port {frame.port}" if frame.port else ""
    return Unreadable(Reason.WRONG_LENGTH, f"{len(frame.payload)} bytes; a frame{on} has {known}")


def too_short(frame: Frame, least: int) -> Unreadable | None:
    """Why the frame is cut; None when it has at least `least` bytes."""
    if len(frame.payload) >= least:
        return None
    return Unreadable(Reason.WRONG_LENGTH, f"{len(frame.payload)} bytes; a frame on port {frame.port} has {least}")


def signed(value: bytes) -> int:
    """Two's complement, the most significant byte first."""
    return int.from_bytes(value, "big", signed=True)
