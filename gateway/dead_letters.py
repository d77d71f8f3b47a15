"""What was refused, as it is kept and as it is told to the one who sent it. Pure.

One row stands for everything that one message had refused for one reason; its payload is a message again, holding just
the refused events, so that it can be replayed by itself once the cause is mended.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Final

import msgspec
from msgspec import UNSET, Struct

from contracts.wire import RefusedMessage, parse_topic
from gateway.cameras.topics import camera_topic
from gateway.devices import names_in
from gateway.envelopes.topics import network_topic
from gateway.known_device import device_key
from gateway.received import Received
from gateway.refusals import OUR_FAULT, Reason, Reject
from gateway.taken import Taken
from kernel.answers import dump

PAYLOAD_BYTES_MAX: Final = 65_536
"""Of one dead letter: 600 refused events; longer ones become several rows, a single longer event is cut."""
DETAIL_CHARACTERS_MAX: Final = 300
TOPIC_CHARACTERS_MAX: Final = 300
"""Ours have at most 160; the rest of a longer one is nobody's name, and an index could not hold it."""
FLOOD_MAX: Final = 100
"""Different refusals of one topic for one reason kept out of one batch: enough to see what is wrong with a device."""
CODEC: Final = "json-1"
"""Which version of the decoder refused it, unless a device profile did."""

_LIST_KEYS = {"spaces": "events", "counts": "counts"}


class DeadLetter(Struct, frozen=True):
    """A row to be, and how it is told: `index` is the first refused event's place, `events` how many are in it.

    `booked`: they stand as dead in their car park's tally; a stranger has none. `devices`: where no operator is known,
    the keys of the devices that it may be of, likeliest first: whoever registers one finds it.
    """

    operator: str | None
    car_park: str | None
    topic: str
    reason: Reason
    detail: str
    payload: bytes
    payload_bytes: int
    sha256: str
    message_sha256: str
    index: int | None
    events: int
    booked: bool
    seen_at: datetime
    codec: str = CODEC
    devices: tuple[str, ...] = ()


def dead_letters_of(taken: Taken) -> list[DeadLetter]:
    """One per reason, more when there is too much for one."""
    by_reason: dict[Reason, list[Reject]] = {}
    for reject in taken.said.rejects:
        by_reason.setdefault(reject.reason, []).append(reject)
    message = taken.message
    parts = parse_topic(message.topic)
    speaker = taken.said.car_park
    operator, car_park = (parts.operator, parts.car_park) if parts else (None, None)
    if parts is None and speaker is not None:  # on a network server's topic, which names neither
        operator, car_park = speaker.operator, speaker.id
    listed = _LIST_KEYS.get(parts.kind, "") if parts else ""
    devices = _devices_named(message) if operator is None else ()
    message_sha256 = hashlib.sha256(message.payload).hexdigest()
    letters = []
    for reason, rejects in by_reason.items():
        whole = len(rejects) == taken.events or rejects[0].raw is None
        fits = len(message.payload) <= PAYLOAD_BYTES_MAX
        chunks = [rejects] if whole and (fits or rejects[0].raw is None) else list(_chunks(rejects))
        for chunk in chunks:
            payload = message.payload if whole and len(chunks) == 1 else _wrapped(listed, chunk)
            letters.append(
                DeadLetter(
                    operator=None if operator is None else _kept(operator),
                    car_park=None if car_park is None else _kept(car_park),
                    topic=_kept(message.topic),
                    reason=reason,
                    detail=_detail(chunk),
                    payload=payload[:PAYLOAD_BYTES_MAX],
                    payload_bytes=message.payload_bytes if payload is message.payload else len(payload),
                    sha256=hashlib.sha256(payload).hexdigest(),
                    message_sha256=message_sha256,
                    index=chunk[0].index,
                    events=taken.dead if whole and len(chunks) == 1 else len(chunk),
                    booked=taken.said.car_park is not None,
                    seen_at=message.received_at,
                    codec=taken.said.codec or CODEC,
                    devices=devices,
                )
            )
    return letters


def _devices_named(message: Received) -> tuple[str, ...]:
    camera = camera_topic(message.topic)
    if camera is not None:
        return (_kept(device_key(camera.device)),)
    network = network_topic(message.topic)
    if network is None:
        return ()
    return tuple(dict.fromkeys(_kept(device_key(name)) for name in names_in(network, message.payload) if name))


def worth_keeping(letters: Iterable[DeadLetter]) -> list[tuple[DeadLetter, int]]:
    """The different ones with how often each came, sorted by their key; of a flood, FLOOD_MAX and no more."""
    counted: dict[tuple[str, str, str], tuple[DeadLetter, int]] = {}
    flood: Counter[tuple[str, str]] = Counter()
    for letter in letters:
        key = (letter.topic, letter.reason.value, letter.sha256)
        if key in counted:
            counted[key] = (letter, counted[key][1] + 1)
        elif letter.reason in OUR_FAULT or flood[key[:2]] < FLOOD_MAX:
            flood[key[:2]] += 1
            counted[key] = (letter, 1)
    return [counted[key] for key in sorted(counted)]


def feedback(letter: DeadLetter) -> bytes:
    """What the one who sent it reads on `errors`."""
    told = RefusedMessage(
        topic=letter.topic,
        reason=letter.reason,
        detail=letter.detail,
        at=letter.seen_at,
        sha256=letter.message_sha256,
        index=UNSET if letter.index is None else letter.index,
        refused=UNSET if letter.index is None else letter.events,
    )
    return dump(msgspec.to_builtins(told, builtin_types=(datetime,)))


def _chunks(rejects: Iterable[Reject]) -> Iterable[list[Reject]]:
    chunk: list[Reject] = []
    size = 0
    for reject in rejects:
        length = len(reject.raw or b"") + 1
        if chunk and size + length > PAYLOAD_BYTES_MAX - 100:
            yield chunk
            chunk, size = [], 0
        chunk.append(reject)
        size += length
    if chunk:
        yield chunk


def _wrapped(key: str, chunk: list[Reject]) -> bytes:
    return b'{"%s":[%s]}' % (key.encode(), b",".join([reject.raw or b"null" for reject in chunk]))


def _detail(chunk: list[Reject]) -> str:
    first = _text(chunk[0].detail)[:DETAIL_CHARACTERS_MAX]
    return first if len(chunk) == 1 else f"{first} (and {len(chunk) - 1} more)"


def _kept(name: str) -> str:
    return _text(name)[:TOPIC_CHARACTERS_MAX]


def _text(words: str) -> str:
    """What PostgreSQL can store: no NUL, no lone surrogates."""
    return words.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
