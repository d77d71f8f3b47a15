"""A refused message goes the way of all messages again, after whatever was wrong with it has been mended."""

from collections.abc import Sequence

from msgspec import Struct

from gateway import sql
from gateway.acknowledge_orders import find_orders
from gateway.dead_letters import dead_letters_of
from gateway.decode import decode
from gateway.directory import Directory
from gateway.errors import AlreadyReplayed, PayloadNotKept, UnknownRejected
from gateway.notices import tell_recorded
from gateway.received import Received
from gateway.record import Handlers, record_messages
from gateway.refresh_directory import read_speaker
from gateway.refusals import Reject
from gateway.taken import Taken
from kernel.db import Row, Tx


class Replayed(Struct, frozen=True):
    """What became of the events of a replayed message, and whose and what it was."""

    operator: str | None
    topic: str
    stored: int
    duplicate: int
    late: int
    refused: tuple[Reject, ...]


async def replay_dead_letter(tx: Tx, handlers: Handlers, letter_id: str, operators: Sequence[str] | None) -> Replayed:
    """Decode it with the registry as it is now and record what is good; what is still refused stays a dead letter.

    Its events were counted as dead, once for each time they came: the books are put right, as if they had been good
    from the beginning and every repeat a duplicate. One of `operators`, None = every one. Raises UnknownRejected,
    AlreadyReplayed, PayloadNotKept.
    """
    row = await sql.lock_dead_letter(tx, letter_id, operators)
    if row is None:
        raise UnknownRejected(rejected=letter_id)
    if row["replayed_at"] is not None:
        raise AlreadyReplayed(replayed_at=row["replayed_at"])
    if row["payload_bytes"] > len(row["payload"]):
        raise PayloadNotKept(payload_bytes=row["payload_bytes"], kept_bytes=len(row["payload"]))
    taken = (await find_orders(tx, [await _decode_again(tx, row)]))[0][0]
    refused = tuple(taken.said.rejects)
    whose, topic = row["operator"], row["topic"]
    if refused and not taken.said.good:
        await sql.set_dead_letter_detail(tx, letter_id, refused[0].reason, dead_letters_of(taken)[0].detail)
        return Replayed(whose, topic, 0, 0, 0, refused)
    await sql.set_replayed(tx, letter_id, whose, row["car_park"])
    if not taken.said.good:  # nothing to record any more: the camera's settings say now that it is to be passed over
        return Replayed(whose, topic, 0, 0, 0, ())
    outcome = await record_messages(tx, handlers, [taken])
    await tell_recorded(tx)
    if taken.said.car_park is not None:
        await sql.add_tallies(tx, [(taken.said.car_park.id, 0, *_mended(row, taken))])
    return Replayed(whose, topic, outcome.stored, outcome.duplicate, outcome.late, refused)


def _mended(row: Row, taken: Taken) -> tuple[int, int, int]:
    """What to add to `duplicate`, `late` and `dead`: recording counted one coming, the row stands for `count`."""
    repeats = (row["count"] - 1) * taken.events
    booked: int = -row["count"] * row["events"] if row["booked"] else 0
    return (repeats if booked else 0), 0, booked


async def _decode_again(tx: Tx, row: Row) -> Taken:
    payload: bytes = row["payload"]
    known = await read_speaker(tx, row["topic"], payload)
    message = Received.kept(row["topic"], payload, row["first_seen_at"])
    return Taken.of(message, decode(message.topic, payload, message.received_at, Directory(known)))
