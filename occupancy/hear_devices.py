"""What a device told of itself is kept as its last word: seen, battery, radio (`contracts.facts.HeardHandler`)."""

from collections.abc import Sequence

from msgspec import structs

from contracts.facts import DeviceHeard
from kernel.db import Tx
from occupancy.sql import devices as sql

_TOLD = ("battery", "battery_mv", "battery_low", "temperature_c", "rssi", "snr")


async def hear_devices(tx: Tx, heard: Sequence[DeviceHeard]) -> None:
    """Keep the newest word of each device; what it does not say again stays as it was told before."""
    newest: dict[str, DeviceHeard] = {}
    for word in sorted(heard, key=lambda word: word.at):
        newest[word.device] = _after(newest.get(word.device), word)
    await sql.put_devices(tx, [newest[device] for device in sorted(newest)])


def _after(before: DeviceHeard | None, word: DeviceHeard) -> DeviceHeard:
    if before is None:
        return word
    return structs.replace(word, **{name: getattr(before, name) for name in _TOLD if getattr(word, name) is None})
