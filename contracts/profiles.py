"""What a service shows of a device that it can read, so that the registry can list it and check its settings."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from pydantic import BaseModel

Measures = Literal["space", "passages", "space or passages"]
Direction = Literal["entry", "exit"]


class InLane(NamedTuple):
    """A lane that a device's settings name: `direction` is theirs, None = left open; `where` they say so."""

    lane: str
    direction: Direction | None
    where: str


class InLanes(ABC):
    """Settings that name lanes, which the car park must have."""

    @abstractmethod
    def in_lanes(self) -> Sequence[InLane]:
        """Each lane, once for every way in which the device may say that somebody passed it."""


@dataclass(frozen=True, slots=True)
class Example:
    """A frame as the device sends it (`hex`, on `port`) and what it means in words."""

    hex: str
    port: int | None
    says: str


@dataclass(frozen=True, slots=True)
class ProfileCard:
    """A device profile: `codec` is the version of its decoder, `settings` what may be set for one such device.

    `ports` are LoRaWAN ports, empty = any; `source` says whose description of the bytes it follows.
    """

    name: str
    vendor: str
    model: str
    codec: str
    measures: Measures
    settings: type[BaseModel]
    source: str
    aliases: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    example: Example | None = None
