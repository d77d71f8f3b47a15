"""Frames that are a list of items, each a key and a value of known length. Pure.

The whole list is taken apart before anything of it is believed: an unknown key or a value that is cut short makes the
frame unreadable, and says where.
"""

from collections.abc import Mapping
from typing import NamedTuple

from gateway.profiles.profile import Unreadable
from gateway.refusals import Reason


class Item(NamedTuple):
    """One key of `key_bytes` bytes and its value."""

    key: bytes
    value: bytes


def split(payload: bytes, lengths: Mapping[bytes, int], *, key_bytes: int) -> list[Item] | Unreadable:
    """The items of `payload`; `lengths` knows how many bytes follow each key."""
    items: list[Item] = []
    at = 0
    while at < len(payload):
        key = payload[at : at + key_bytes]
        if len(key) < key_bytes:
            return Unreadable(Reason.WRONG_LENGTH, f"cut at byte {at}: half a key")
        length = lengths.get(key)
        if length is None:
            return Unreadable(Reason.UNKNOWN_FRAME, f"{key.hex()} at byte {at} is not known")
        at += key_bytes
        value = payload[at : at + length]
        if len(value) < length:
            return Unreadable(Reason.WRONG_LENGTH, f"cut at byte {at}: {key.hex()} takes {length}, {len(value)} came")
        items.append(Item(key, value))
        at += length
    return items
