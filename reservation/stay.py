"""What is asked for and what was quoted: a place, a vehicle, a time. Pure."""

from datetime import datetime

from msgspec import Struct

from contracts.ids import CarParkId
from contracts.vehicles import Vehicle
from reservation.policy import Policy, Terms


class Place(Struct, frozen=True):
    """A place of a car park. `space` is the registry's number; both None: any of the pool."""

    car_park: CarParkId
    operator: str
    reservable: int
    policy: Policy
    time_zone: str
    space: int | None = None
    label: str | None = None
    is_lent: bool = False
    """Its owner lends it: it is promised inside the windows of its listing only, and takes nothing of the pool."""
    revision: int | None = None
    """Of a place that was remembered: the registry's when it was read. None: it was read in this transaction."""
    private_spaces: int = 0
    """Of its car park then: they are not of the pool."""
    policy_at: datetime | None = None
    """When its policy was set; None: it is the default."""


class Stay(Struct, frozen=True):
    """Of a vehicle, `[begins, until)`."""

    vehicle: Vehicle
    begins: datetime
    until: datetime


class Quoted(Struct, frozen=True):
    """The terms and the price in fen that were offered before, and are kept."""

    terms: Terms
    price: int
