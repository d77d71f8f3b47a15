"""Number plates as the cameras of Shenyang see them: mostly 辽A, a growing share of new-energy plates. Pure.

Numbers are spread by a full-period step, so that two trips of the same hundreds of thousands never share a plate: a
vehicle is in one place at a time.
"""

import hashlib
from typing import Final

from contracts.wire import Plate

_LETTERS: Final = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_NEW_ENERGY_LETTERS: Final = "DFABCEGHJK"
_LIAONING: Final = "BCDEFGHJKLMNP"
_ELSEWHERE: Final = ("吉A", "黑A", "京N", "蒙G", "冀B", "鲁B", "吉C", "黑B")
_STEP: Final = 7_368_787  # a prime above every range below, so each range is walked through once before it repeats
_BLUE_RANGE: Final = 24 * 10_000 + 100_000 + 10 * 24 * 1_000
_GREEN_RANGE: Final = 10 * 100_000

DRIVERS_FROM: Final = 10**12
"""Vehicles from this number on are of drivers who reserve: their plates are nobody else's, and blue."""
_DRIVERS_HOME: Final = "辽V"

UNLICENSED_PER_MILLE: Final = 3
NEW_ENERGY_PER_MILLE: Final = 180
_YELLOW_PER_MILLE: Final = 6
_LIAONING_PER_MILLE: Final = 90
_ELSEWHERE_PER_MILLE: Final = 35


def plate_of(vehicle: int) -> Plate | None:
    """The plate of a vehicle by its number, always the same; None for the few that have none and take a ticket."""
    if vehicle >= DRIVERS_FROM:
        return Plate(_DRIVERS_HOME + _blue((vehicle - DRIVERS_FROM) * _STEP % _BLUE_RANGE), "blue")
    draw = int.from_bytes(hashlib.blake2b(vehicle.to_bytes(8), digest_size=4).digest())
    kind, home = draw % 1000, draw // 1000 % 1000
    if kind < UNLICENSED_PER_MILLE:
        return None
    city = "辽A"
    if home < _LIAONING_PER_MILLE:
        city = "辽" + _LIAONING[draw % len(_LIAONING)]
    elif home < _LIAONING_PER_MILLE + _ELSEWHERE_PER_MILLE:
        city = _ELSEWHERE[draw % len(_ELSEWHERE)]
    if kind < UNLICENSED_PER_MILLE + NEW_ENERGY_PER_MILLE:
        number = vehicle * _STEP % _GREEN_RANGE
        return Plate(f"{city}{_NEW_ENERGY_LETTERS[number // 100_000]}{number % 100_000:05}", "green")
    return Plate(city + _blue(vehicle * _STEP % _BLUE_RANGE), "yellow" if kind >= 1000 - _YELLOW_PER_MILLE else "blue")


def _blue(number: int) -> str:
    """The three commonest patterns of five: letter and four digits, five digits, digit letter and three digits."""
    if number < 240_000:
        return f"{_LETTERS[number // 10_000]}{number % 10_000:04}"
    number -= 240_000
    if number < 100_000:
        return f"{number:05}"
    number -= 100_000
    return f"{number // 24_000}{_LETTERS[number // 1_000 % 24]}{number % 1_000:03}"
