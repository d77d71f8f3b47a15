"""What messages said goes into the database: facts to occupancy, passages to their handlers, answers to the orders,
heartbeats to whoever watches over devices, refusals to the dead letters, and the books that add up. The verb of the
device batch and of a replay alike; the edge commits.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from msgspec import Struct, field

from contracts.availability import Availability
from contracts.facts import Facts, HeardHandler, PassageHandler, Recorded, RecordFacts, Tally
from contracts.ids import CarParkId
from contracts.orders import OrderHandler
from gateway import sql
from gateway.acknowledge_orders import Answer, acknowledge_orders, find_orders
from gateway.dead_letters import DeadLetter, dead_letters_of, worth_keeping
from gateway.settle_uplinks import Beat, settle_uplinks
from gateway.taken import Taken
from kernel.db import Tx

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Handlers:
    """Who takes the facts, inside our transaction."""

    record_facts: RecordFacts
    on_passage: Sequence[PassageHandler] = ()
    on_order: Sequence[OrderHandler] = ()
    on_heard: Sequence[HeardHandler] = ()


class Outcome(Struct):
    """What recording changed: in occupancy, with the orders, what to tell those who were refused, and the sums."""

    recorded: Recorded = field(default_factory=Recorded)
    answers: list[Answer] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)
    stored: int = 0
    duplicate: int = 0
    late: int = 0
    dead: int = 0
    miscounted: int = 0
    not_kept: int = 0

    @property
    def availabilities(self) -> list[Availability]:
        """What to publish after the commit."""
        return self.recorded.availabilities

    def sums(self) -> tuple[tuple[str, int], ...]:
        return ("stored", self.stored), ("duplicate", self.duplicate), ("late", self.late), ("dead", self.dead)


async def record_messages(tx: Tx, handlers: Handlers, messages: Sequence[Taken]) -> Outcome:
    """Store what `messages` said. Raises what the database or a handler raises; nothing is swallowed here."""
    messages, orders = await find_orders(tx, messages)
    messages, beats = await settle_uplinks(tx, messages)
    facts = Facts(
        spaces=[fact for taken in messages for fact in taken.said.spaces],
        counts=[fact for taken in messages for fact in taken.said.counts],
        passages=[fact for taken in messages for fact in taken.said.passages],
        statuses=[fact for taken in messages for fact in taken.said.statuses],
    )
    told = len(facts.spaces) + len(facts.counts) + len(facts.passages) + len(facts.statuses)
    outcome = Outcome()
    if told:
        outcome.recorded = await handlers.record_facts(tx, facts)
        if outcome.recorded.new_passages:
            for handle in handlers.on_passage:
                await handle(tx, outcome.recorded.new_passages)
    tallies = outcome.recorded.tallies
    if orders:
        outcome.answers = await acknowledge_orders(tx, handlers.on_order, messages, orders)
        told += len(outcome.answers)
        for answer in outcome.answers:
            answer.count(tallies)
    heard = [taken.said.heard.fact for taken in messages if taken.said.heard is not None]
    heard += [taken.said.seen for taken in messages if taken.said.seen is not None]
    if heard:
        for watch in handlers.on_heard:
            await watch(tx, heard)
        told += len(beats)
        _count(beats, tallies)
    dead = _dead(messages)
    outcome.letters = [letter for taken in messages if taken.said.rejects for letter in dead_letters_of(taken)]
    if outcome.letters:
        kept = worth_keeping(outcome.letters)
        outcome.not_kept = len(outcome.letters) - sum(count for _, count in kept)
        await sql.add_dead_letters(tx, kept)
    rows = [_row(car_park, tallies.get(car_park), dead.get(car_park, 0)) for car_park in tallies.keys() | dead.keys()]
    if rows:
        await sql.add_tallies(tx, rows)
    outcome.stored = sum(tally.stored for tally in tallies.values())
    outcome.duplicate = sum(tally.duplicate for tally in tallies.values())
    outcome.late = sum(tally.late for tally in tallies.values())
    outcome.dead = sum(taken.dead for taken in messages if taken.said.rejects)
    outcome.miscounted = told - outcome.stored - outcome.duplicate - outcome.late
    return outcome


def _count(beats: Sequence[Beat], tallies: dict[CarParkId, Tally]) -> None:
    for beat in beats:
        tally = tallies.setdefault(beat.car_park, Tally())
        if beat.first:
            tally.stored += 1
        else:
            tally.duplicate += 1


def _dead(messages: Sequence[Taken]) -> dict[CarParkId, int]:
    """Refused events of the car parks we know; a stranger has no books."""
    dead: dict[CarParkId, int] = {}
    for taken in messages:
        if taken.said.rejects and taken.said.car_park is not None:
            car_park = taken.said.car_park.id
            dead[car_park] = dead.get(car_park, 0) + taken.dead
    return dead


def _row(car_park: CarParkId, tally: Tally | None, dead: int) -> tuple[CarParkId, int, int, int, int]:
    if tally is None:
        return car_park, 0, 0, 0, dead
    return car_park, tally.stored, tally.duplicate, tally.late, dead
