"""The sessions of vehicles are made to say what their passages say: begun, ended, doubted, healed, corrected, billed.

Whoever changed what passages say, a device's or an operator's, calls this in the same transaction, with the car parks
locked (`sql.passages.lock_car_parks`). Only the neighbourhood of what changed is read, in a few statements for a whole
batch; what is billed by itself, exits and corrections, takes some more for each.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from msgspec import Struct

from billing.bill_anew import bill_anew, later_visits
from billing.bill_session import Till, bill_sessions, decide_again, in_order, seen
from billing.entry_decision import decide_entry
from billing.exit_decision import decide_exit
from billing.new_session import NewSession, ends_of, exit_of
from billing.pairing import Outcome, Passage, Rules, Visit, pair
from billing.policy import BillingPolicy
from billing.session_changes import Changes, Kept, changes, successors
from billing.session_lifecycle import LIVE, State
from billing.sql import passages as passages_sql
from billing.sql import sessions as sql
from billing.sql.passages import Asked
from billing.take_back import take_back
from contracts.lane_orders import is_live
from kernel.db import Row, Tx
from kernel.ids import new_id

LATE_AT_ONCE: Final = 20
"""Stays of vehicles that have gone, billed in one batch of a gateway: what a car park that was offline uploads must not
hold up the others. The rest is billed by a worker within seconds (`billing.rate_late`).
"""


class _Vehicle(Struct):
    """What became of one of the vehicles that were asked for."""

    asked: Asked
    visits: list[Visit]
    changes: Changes


class Followed(Struct, kw_only=True):
    """`rows` are the sessions that changed, as they are now, by id; `orphans` exits without an entry, which the caller
    decides on; `unpaired` passages that were put right and did not become a stay.
    """

    rows: dict[str, Row]
    orphans: list[tuple[Row, Passage]]
    unpaired: list[tuple[str, Passage]]


async def follow_passages(tx: Tx, till: Till, asked: Sequence[Asked]) -> Followed:
    """`asked`: vehicles, and the time in which something of them changed. An operator who put passages right is the
    till's actor, and may make a stay dearer by it.
    """
    windows = await passages_sql.windows(tx, asked)
    kept: dict[tuple[str, str | None, str | None], list[Row]] = {one.key: [] for one in asked}
    rows: dict[str, Row] = {}
    for row in await sql.lock_in(tx, asked, windows):
        rows[row["id"]] = row
        kept[row["car_park"], row["plate"], None if row["plate"] is not None else row["ticket"]].append(row)
    vehicles = []
    for one, window in zip(asked, windows, strict=True):
        visits = pair(window, rules_of(till.policies[one.car_park]))
        named = {passage for visit in visits for passage in (*visit.entries, *visit.exits)}
        unsure = {passage.id for passage in window.passages} - named
        vehicles.append(_Vehicle(one, visits, changes([_kept(row) for row in kept[one.key]], visits, unsure)))
    following = _Following(tx, till, rows)
    await following.follow(vehicles)
    return Followed(
        rows=following.changed,
        orphans=following.orphans,
        unpaired=[
            (vehicle.asked.car_park, passage)
            for vehicle in vehicles
            for visit in vehicle.visits
            if visit.outcome is not Outcome.PAIRED
            for passage in (visit.entry, visit.exit)
            if passage is not None and passage.made_by is not None
        ],
    )


def rules_of(policy: BillingPolicy) -> Rules:
    """What pairing needs of it."""
    return Rules(
        same_reading=timedelta(seconds=policy.same_reading_s),
        same_exit=timedelta(seconds=policy.same_exit_s),
        stay_max=timedelta(hours=policy.stay_h_max),
    )


class _Following:
    """The writing of it, step by step; `rows` are locked and kept as they become."""

    def __init__(self, tx: Tx, till: Till, rows: dict[str, Row]) -> None:
        self._tx = tx
        self._till = till
        self._rows = rows
        self.changed: dict[str, Row] = {}
        self.orphans: list[tuple[Row, Passage]] = []
        self._visits: dict[tuple[str, str], Visit] = {}

    async def follow(self, vehicles: Sequence[_Vehicle]) -> None:
        for vehicle in vehicles:
            for visit in vehicle.visits:
                self._visits.update(((vehicle.asked.car_park, entry), visit) for entry in visit.entries)
        same = [one for vehicle in vehicles for one in vehicle.changes.same]
        await self._end([one for vehicle in vehicles for one in vehicle.changes.ended])
        left = await self._move(vehicles)
        begun = await self._begin(vehicles)
        await self._adopt()
        await self._bill([(self._rows[row["id"]], visit) for row, visit in left + begun])
        await self._look_again(same)

    def _note(self, rows: Iterable[Row]) -> None:
        for row in rows:
            self._rows[row["id"]] = self.changed[row["id"]] = row

    async def _write(self, moves: Sequence[tuple[Row, Mapping[str, Any]]]) -> list[Row]:
        moved = await sql.move(self._tx, moves)
        self._note(moved)
        return moved

    async def _end(self, ended: Sequence[tuple[Kept, State, str]]) -> None:
        """What the passages no longer say makes room, in the rows and in what is asked for."""
        moves = [(self._rows[kept.id], {"state": state, "reason": why}) for kept, state, why in ended]
        for row, (_, state, _) in zip(await self._write(moves), ended, strict=True):
            if state is not State.MATCHED and row["entry_at"] is not None:
                await take_back(self._tx, row, actor=self._till.actor)

    async def _move(self, vehicles: Sequence[_Vehicle]) -> list[tuple[Row, Visit]]:
        """Those that have left."""
        moves: list[tuple[Row, dict[str, Any]]] = []
        for vehicle in vehicles:
            for kept, visit in vehicle.changes.doubted:
                told = {"state": State.SUSPECT, "reason": visit.outcome, **exit_of(visit)}
                moves.append((self._rows[kept.id], told))
            moves += [(self._rows[kept.id], {"state": State.OPEN, "reason": None}) for kept in vehicle.changes.trusted]
        doubted = [one for vehicle in vehicles for one in vehicle.changes.doubted]
        await self._write(moves)
        left = [one for vehicle in vehicles for one in vehicle.changes.left]
        moved = await self._write(
            [(self._rows[kept.id], {"state": State.EXITED, "reason": None, **ends_of(visit)}) for kept, visit in left]
        )
        at_exit = [(self._rows[kept.id], visit) for kept, visit in doubted if visit.exit is not None]
        return [*at_exit, *((row, visit) for row, (_, visit) in zip(moved, left, strict=True))]

    async def _begin(self, vehicles: Sequence[_Vehicle]) -> list[tuple[Row, Visit]]:
        """Those of them that have left already."""
        before = successors([vehicle.changes for vehicle in vehicles])
        new = [
            (_new(self._tx, vehicle.asked.car_park, visit, before.get(id(visit))), visit)
            for vehicle in vehicles
            for visit in vehicle.changes.begun
        ]
        if not new:
            return []
        inserted = {row["id"]: row for row in await sql.insert(self._tx, [one for one, _ in new])}
        self._note(inserted.values())
        begun = [(inserted[one.id], visit) for one, visit in new]
        for row, visit in begun:
            came = visit.entry if visit.outcome is Outcome.OPEN else None
            if came is not None and is_live(seen(row, came), self._tx.now):
                await decide_entry(self._tx, row)
        return [one for one in begun if one[1].exit is not None]

    async def _adopt(self) -> None:
        """Stays of nested zones lie in those of the car park, also where these became known later or are others now."""
        live = [row for row in self._rows.values() if row["state"] in LIVE and row["entry_passage"] is not None]
        by_entry = {(row["car_park"], row["entry_passage"]): row["id"] for row in live}
        moves = []
        for row in live:
            visit = self._visits.get((row["car_park"], row["entry_passage"]))
            if row["zone"] and visit is not None and visit.around is not None:
                parent = by_entry.get((row["car_park"], visit.around))
                if parent not in (None, row["parent"]):
                    moves.append((row, {"parent": parent}))
        await self._write(moves)

    async def _bill(self, known: Sequence[tuple[Row, Visit]]) -> None:
        """Vehicle by vehicle, in the order that everybody keeps who asks several for money; each by time."""
        ready: list[tuple[Row, Passage]] = []
        late = 0
        for row, visit in sorted(known, key=lambda one: in_order(one[0])):
            if visit.exit is None:
                continue
            stands = is_live(seen(row, visit.exit), self._tx.now)
            if row["state"] == State.ORPHAN_EXIT:
                self.orphans.append((row, visit.exit))
            elif row["state"] != State.EXITED:  # nobody knows what it costs, and it stands there
                await decide_exit(self._tx, self._till.give_order, row, None, seen(row, visit.exit))
            elif stands or late < LATE_AT_ONCE:
                late += not stands
                ready.append((row, visit.exit))
        if ready:
            self._note(await bill_sessions(self._tx, self._till, ready))

    async def _look_again(self, same: Sequence[tuple[Kept, Visit]]) -> None:
        """Stays that were billed before: something around them has become known, or the vehicle still stands there."""
        around = {row["parent"] for row in self.changed.values()}
        for kept, visit in same:
            row, again = self._rows[kept.id], visit.again
            if again is not None and is_live(seen(row, again), self._tx.now):
                await decide_again(self._tx, self._till, row, again)
            elif row["id"] in around or (kept.entry_at, kept.exit_at) != _times(visit):
                self._note(await bill_anew(self._tx, self._till, row, visit))
        known = [row for row in self._rows.values() if row["id"] not in self.changed]
        for row in await later_visits(self._tx, self._till, list(self.changed.values()), known):
            found = self._visits.get((row["car_park"], row["entry_passage"]))
            if found is not None:
                self._note(await bill_anew(self._tx, self._till, row, found))


def _times(visit: Visit) -> tuple[datetime | None, datetime | None]:
    return (None if visit.entry is None else visit.entry.at), (None if visit.exit is None else visit.exit.at)


def _kept(row: Row) -> Kept:
    return Kept(
        id=row["id"],
        state=State(row["state"]),
        reason=row["reason"],
        entry=row["entry_passage"],
        entry_at=row["entry_at"],
        exit=row["exit_passage"],
        exit_at=row["exit_at"],
    )


def _new(tx: Tx, car_park: str, visit: Visit, before: Kept | None) -> NewSession:
    supersedes = None if before is None else before.id
    return NewSession.of(new_id("ses", tx.now), car_park, visit, supersedes=supersedes)
