"""Record a batch of facts: history, state, the car parks' numbers and what to publish, all in the caller's transaction.

The gateway runs this for every batch, before it acknowledges. The rows of the car parks in the batch are locked first
and in order, so everything below works alone on them: read the newest word of each source (`occupancy.measures`),
compare in memory (`occupancy.compare`, `occupancy.timeline`), write back what moved. Five to eleven statements,
whatever the batch's size.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from contracts.availability import Availability
from contracts.facts import Facts, Recorded, StatusSeen
from contracts.ids import CarParkId
from kernel.db import Tx
from occupancy import sql
from occupancy.availability import retell
from occupancy.compare import Moved, compare
from occupancy.curve import Belated, belated_moves
from occupancy.doubt import FlipWatch
from occupancy.fusion import Policy, fuse
from occupancy.gaps import read_numbers
from occupancy.heed_gaps import ANEW_AFTER, heed_gaps, want_snapshots
from occupancy.history import keep_history
from occupancy.measures import read_measures
from occupancy.note_doubts import note_doubts, read_doubts
from occupancy.places import Places
from occupancy.presence import believe_notice, last_heard, note_presence
from occupancy.settings import OccupancySettings
from occupancy.sources import Measures
from occupancy.sql import curves
from occupancy.standing import Standing
from occupancy.timeline import Change, Sample, trace

CAR_PARKS_AT_ONCE: Final = 50
"""Locked together by a loop, some twenty thousand spaces: no batch waits for one longer than it takes itself."""


class Recorder:
    """Holds what recording needs from one batch to the next: the settings and a copy of the registry."""

    def __init__(self, settings: OccupancySettings) -> None:
        self.settings = settings
        self.places = Places()
        self.policy = Policy(settings.known_share_min, settings.stale_after)
        self.flips = FlipWatch(settings.flapping_flips_max, timedelta(seconds=settings.flapping_window_s))

    async def record_facts(self, tx: Tx, facts: Facts) -> Recorded:
        """Store `facts` and move the truth (`contracts.facts.RecordFacts`)."""
        heard = last_heard(facts)
        touched = sorted({*heard, *(fact.car_park for fact in facts.statuses)})
        if not touched:
            return Recorded()
        standings, registry_revision = await sql.lock_with_revision(tx, touched)
        await self.places.refresh(tx, registry_revision)
        before = {car_park: standing.told for car_park, standing in standings.items()}
        orders = await sql.space_orders(tx, sorted({fact.space for fact in facts.spaces}))
        measures = await read_measures(
            tx,
            standings,
            self.places,
            zone_counted={fact.car_park for fact in facts.counts if fact.zone},
            counted={fact.car_park for kind in (facts.counts, facts.passages) for fact in kind},
        )
        kept = await keep_history(tx, facts, orders)
        await heed_gaps(tx, self.settings, standings, read_numbers(kept.spaces, kept.counts, orders, measures))
        zoned = sorted({fact.space for fact in kept.spaces if measures[fact.car_park].zones is not None})
        zone_of = await sql.zone_of_spaces(tx, zoned)
        doubts = await read_doubts(tx, standings)
        moved = compare(kept, measures, orders, zone_of, doubts)
        flapping = self.flips.note(moved.flipped)
        await note_doubts(tx, standings, moved, doubts, flapping=flapping, zone_of=zone_of)
        samples: list[tuple[CarParkId, Sample]] = []
        belated: list[tuple[CarParkId, Belated]] = []
        for car_park, changes in moved.changes.items():
            late = belated_moves(changes, sampled_at=standings[car_park].sampled_at)
            belated += [(car_park, move) for move in late]
            samples += self._trace(standings[car_park], measures[car_park], changes)
        await self._rebase(tx, standings, measures, moved)
        unsaid = [space for space, fact in moved.spaces.items() if kept.states.get(space) is not fact]
        await sql.put_space_states(tx, [moved.spaces[space] for space in sorted(unsaid)])
        await sql.put_count_states(tx, [moved.counts[where] for where in sorted(moved.counts)])
        await curves.insert_belated_moves(tx, belated)
        await self._note_presence(tx, standings, facts.statuses, heard)
        told = await self.conclude(tx, standings, before, samples)
        new = Facts(kept.spaces, kept.counts, kept.passages, kept.statuses)
        return Recorded(dict(moved.tallies), list(kept.passages), told, new, moved.late)

    async def conclude(
        self,
        tx: Tx,
        standings: Mapping[CarParkId, Standing],
        before: Mapping[CarParkId, tuple[object, ...]],
        samples: Sequence[tuple[CarParkId, Sample]] = (),
    ) -> list[Availability]:
        """Write the locked `standings` back, and the `samples` they left; what is to be published of them, compared
        with what was told `before`.
        """
        for car_park, standing in standings.items():
            believe_notice(standing, tx.now)
            standing.expect(self.places.of(car_park).place.capacity)
        told = [
            retell(
                standing,
                closed=self.places.of(car_park).opening.is_closed(tx.now),
                now=tx.now,
                settings=self.settings,
                before=before[car_park],
            )
            for car_park, standing in standings.items()
        ]
        await sql.put_standings(tx, list(standings.values()), samples)
        return [availability for availability in told if availability is not None]

    async def _note_presence(
        self,
        tx: Tx,
        standings: Mapping[CarParkId, Standing],
        statuses: Sequence[StatusSeen],
        heard: Mapping[CarParkId, datetime],
    ) -> None:
        """Who is there; whoever came back, or is said to be gone although it was heard, is asked for a snapshot."""
        presence = note_presence(standings, statuses, heard)
        for cause, since, rest in (
            ("online", presence.back, None),
            ("online", presence.anew, ANEW_AFTER),
            ("notice", presence.doubtful, None),
        ):
            if since:
                await want_snapshots(tx, self.settings, since, cause, rest=rest)

    def _trace(
        self, standing: Standing, measures: Measures, changes: Sequence[Change]
    ) -> list[tuple[CarParkId, Sample]]:
        traced = trace(
            measures,
            self.places.of(standing.car_park).place,
            self.policy,
            changes,
            told=standing.numbers,
            sampled_at=standing.sampled_at,
        )
        standing.sampled_at = traced.sampled_at
        standing.believe(traced.truth)
        return [(standing.car_park, sample) for sample in traced.samples]

    async def _rebase(
        self,
        tx: Tx,
        standings: Mapping[CarParkId, Standing],
        measures: Mapping[CarParkId, Measures],
        moved: Moved,
    ) -> None:
        """After a count of a whole car park, its passages count from there: only those after it."""
        based = [
            (car_park, count.at)
            for (car_park, zone), count in moved.counts.items()
            if zone == "" and standings[car_park].passages.at is not None
        ]
        for car_park, net in (await sql.net_passages_after(tx, based)).items():
            standings[car_park].passages.net = net
            standings[car_park].believe(fuse(measures[car_park], self.places.of(car_park).place, self.policy))
