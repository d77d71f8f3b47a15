"""A signed push: what a car park says over HTTP goes the way of all messages, and is answered event by event.

The topic says who speaks on MQTT; here it is the key that signed, and the car park in the address, which must be one of
its operator's. Everything else is the same: decoder, books, dead letters, `errors`.
"""

from collections.abc import Sequence
from typing import Final, Literal

from msgspec import Struct

from contracts.facts import Recorded
from contracts.wire import up_topic
from gateway.decode import decode
from gateway.directory import Directory
from gateway.errors import RepeatedRequest, UnknownCarPark
from gateway.events import Decoded
from gateway.notices import tell_recorded
from gateway.received import Received
from gateway.record import Handlers, record_messages
from gateway.refresh_directory import KeptCarParks
from gateway.refusals import Reason, Reject
from gateway.sql import nonces
from gateway.taken import Taken
from kernel.access_problems import MissingScope
from kernel.callers import Caller
from kernel.db import Tx
from kernel.signatures import SignedRequest

PushKind = Literal["spaces", "counts", "passages"]
EventOutcome = Literal["stored", "duplicate", "late", "refused"]

NOT_A_MESSAGE: Final = frozenset(
    {
        Reason.EMPTY,
        Reason.OVERSIZED,
        Reason.MALFORMED_JSON,
        Reason.NOT_UTF8,
        Reason.WRONG_SHAPE,
        Reason.TOO_MANY_EVENTS,
    }
)
"""Reasons to refuse a body as a whole, none of whose events was even looked at."""


class Pushed(Struct, frozen=True):
    """What became of a push: an outcome for each event in the order of the body, and why some were refused.

    `malformed` is why the body is no message at all; then there are no outcomes.
    """

    outcomes: Sequence[EventOutcome]
    refused: Sequence[Reject]
    malformed: Reject | None = None


async def record_push(
    tx: Tx,
    handlers: Handlers,
    car_parks: KeptCarParks,
    caller: Caller,
    *,
    signed: SignedRequest,
    car_park: str,
    kind: PushKind,
) -> Pushed:
    """Use the nonce up and record the body. Raises RepeatedRequest, UnknownCarPark, MissingScope."""
    if caller.device is not None:
        raise MissingScope(f"this key speaks for the device {caller.device} only", scope="ingest")
    signature = signed.signature
    with tx.guard({"nonce_once": RepeatedRequest}):
        await nonces.use_nonce(
            tx, key_id=signature.key_id, nonce=signature.nonce, expires_at=max(signature.expires_at, tx.now)
        )
    known = await car_parks.read(tx, car_park, caller.covered)
    if known is None:
        raise UnknownCarPark(car_park=car_park)
    message = Received.kept(up_topic(known.operator, car_park, kind), signed.body, tx.now)
    said = decode(message.topic, message.payload, message.received_at, Directory([known]))
    outcome = await record_messages(tx, handlers, [Taken.of(message, said)])
    await tell_recorded(tx, outcome.letters)
    if len(said.rejects) == 1 and said.rejects[0].reason in NOT_A_MESSAGE and not said.facts:
        return Pushed((), (), said.rejects[0])
    return Pushed(outcomes_of(said, outcome.recorded), said.rejects)


def outcomes_of(said: Decoded, recorded: Recorded) -> list[EventOutcome]:
    """What became of each event of one message, in its order."""
    kept = recorded.kept
    new = {id(fact) for facts in (kept.spaces, kept.counts, kept.passages) for fact in facts}
    late = {id(fact) for fact in recorded.late}
    good: list[EventOutcome] = [
        "late" if id(fact) in late else "stored" if id(fact) in new else "duplicate"
        for fact in (*said.spaces, *said.counts, *said.passages)
    ]
    refused = {reject.index or 0 for reject in said.rejects}
    told = iter(good)
    return ["refused" if index in refused else next(told) for index in range(len(good) + len(refused))]
