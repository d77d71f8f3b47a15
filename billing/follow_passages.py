"""The sessions of vehicles are made to say what their passages say: begun, ended, doubted, healed, corrected, billed.

Whoever changed what passages say, a device's or an operator's, calls this in the same transaction, with the car parks
locked (`sql.passages.lock_car_parks`). Only the neighbourhood of what changed is read, in a few statements for a whole
batch; what is billed by itself, exits and corrections, takes some more for each.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from msgspec import Struct

from billing.entry_decision import decide_entry
from billing.exit_decision import decide_exit
from billing.pairing import Outcome, Passage, Rules, Visit, pair
from billing.policy import BillingPolicy
from billing.rate_session import Rated, rate_session
from billing.session_changes import Changes, Kept, changes, successors
from billing.session_lifecycle import LIVE, State
from billing.sql import passages as passages_sql
from billing.sql import sessions as sql
from billing.sql.passages import Asked
from billing.sql.sessions import NewSession
from billing.take_back import take_back
from billing.tariff_shelf import TariffShelf
from contracts.facts import PassageSeen
from contracts.ids import CarParkId
from contracts.lane_orders import is_live
from contracts.orders import GiveOrder
from kernel.db import Row, Tx
from kernel.ids import new_id

_STATE: Final = {Outcome.OPEN: State.OPEN, Outcome.PAIRED: State.EXITED, Outcome.ORPHAN: State.ORPHAN_EXIT}


class _Vehicle(Struct):
    """What became of one of the vehicles that were asked for."""

    asked: Asked
    visits: list[Visit]
    changes: Changes


class Followed(Struct, kw_only=True):
    """The sessions that changed, as they are now, by id."""

    rows: dict[str, Row]


async def follow_passages(
    tx: Tx,
    give_order: GiveOrder,
    shelf: TariffShelf,
    asked: Sequence[Asked],
    *,
    actor: str = "billing",
) -> Followed:
    """`asked`: vehicles, and the time in which something of them changed. `actor`: an operator who put passages right,
    and may make a stay dearer by it.
    """
    policies = await sql.policies(tx, {one.car_park for one in asked})
    windows = await passages_sql.windows(tx, asked)
    kept: dict[tuple[str, str | None, str | None], list[Row]] = {one.key: [] for one in asked}
    rows: dict[str, Row] = {}
    for row in await sql.lock_in(tx, asked, windows):
        rows[row["id"]] = row
        kept[row["car_park"], row["plate"], None if row["plate"] is not None else row["ticket"]].append(row)
    vehicles = []
    for one, window in zip(asked, windows, strict=True):
        visits = pair(window, rules_of(policies[one.car_park]))
        named = {passage for visit in visits for passage in (*visit.entries, *visit.exits)}
        unsure = {passage.id for passage in window.passages} - named
        vehicles.append(_Vehicle(one, visits, changes([_kept(row) for row in kept[one.key]], visits, unsure)))
    return await _Following(tx, give_order, shelf, policies=policies, rows=rows, actor=actor).follow(vehicles)


def rules_of(policy: BillingPolicy) -> Rules:
    """What pairing needs of it."""
    return Rules(
        same_reading=timedelta(seconds=policy.same_reading_s),
        same_exit=timedelta(seconds=policy.same_exit_s),
        stay_max=timedelta(hours=policy.stay_h_max),
    )


class _Following:
    """The writing of it, step by step; `rows` are locked and kept as they become."""

    def __init__(
        self,
        tx: Tx,
        give_order: GiveOrder,
        shelf: TariffShelf,
        *,
        policies: Mapping[str, BillingPolicy],
        rows: dict[str, Row],
        actor: str,
    ) -> None:
        self._tx = tx
        self._give_order = give_order
        self._shelf = shelf
        self._policies = policies
        self._rows = rows
        self._actor = actor
        self._changed: set[str] = set()

    async def follow(self, vehicles: Sequence[_Vehicle]) -> Followed:
        same = [(self._rows[kept.id], visit) for one in vehicles for kept, visit in one.changes.same]
        await self._end(vehicles)
        left = await self._move(vehicles)
        begun = await self._begin(vehicles)
        await self._bill(sorted(left + begun, key=lambda known: (known[0]["zone"] == "", known[1].first.at)))
        await self._look_again(same)
        return Followed(rows={name: self._rows[name] for name in self._changed})

    async def _write(self, moves: Sequence[tuple[Row, Mapping[str, Any]]]) -> list[Row]:
        moved = await sql.move(self._tx, moves)
        self._rows.update((row["id"], row) for row in moved)
        self._changed.update(row["id"] for row in moved)
        return moved

    async def _end(self, vehicles: Iterable[_Vehicle]) -> None:
        """What the passages no longer say makes room, in the rows and in what is asked for."""
        ended = [one for vehicle in vehicles for one in vehicle.changes.ended]
        moved = await self._write(
            [(self._rows[kept.id], {"state": state, "reason": why}) for kept, state, why in ended]
        )
        for row in moved:
            if row["state"] != State.MATCHED:
                await take_back(self._tx, row, actor=self._actor)

    async def _move(self, vehicles: Sequence[_Vehicle]) -> list[tuple[Row, Visit]]:
        moves: list[tuple[Row, dict[str, Any]]] = []
        for vehicle in vehicles:
            found = vehicle.changes
            for kept, visit in found.doubted:
                told = {"state": State.SUSPECT, "reason": visit.outcome, **_exit(visit)}
                moves.append((self._rows[kept.id], told))
            moves += [(self._rows[kept.id], {"state": State.OPEN, "reason": None}) for kept in found.trusted]
        await self._write(moves)
        left = [one for vehicle in vehicles for one in vehicle.changes.left]
        moved = await self._write(
            [(self._rows[kept.id], {"state": State.EXITED, "reason": None, **_ends(visit)}) for kept, visit in left]
        )
        return [(row, visit) for row, (_, visit) in zip(moved, left, strict=True)]

    async def _begin(self, vehicles: Sequence[_Vehicle]) -> list[tuple[Row, Visit]]:
        before = successors([vehicle.changes for vehicle in vehicles])
        by_entry = {
            (row["car_park"], row["entry_passage"]): row["id"] for row in self._rows.values() if row["state"] in LIVE
        }
        new: list[tuple[NewSession, Visit]] = []
        for vehicle in vehicles:
            car_park = vehicle.asked.car_park
            for visit in sorted(vehicle.changes.begun, key=lambda one: one.zone):  # those around before those inside
                session = new_id("ses", self._tx.now)
                if visit.entry is not None:
                    by_entry[car_park, visit.entry.id] = session
                parent = None if visit.around is None else by_entry.get((car_park, visit.around))
                superseded = before.get(id(visit))
                new.append((_new(session, car_park, visit, parent, superseded), visit))
        if not new:
            return []
        inserted = {row["id"]: row for row in await sql.insert(self._tx, [one for one, _ in new])}
        self._rows.update(inserted)
        self._changed.update(inserted)
        begun = [(inserted[one.id], visit) for one, visit in new]
        for row, visit in begun:
            if visit.outcome is Outcome.OPEN and visit.entry is not None:
                await self._let_in(row, visit.entry)
        return [one for one in begun if one[1].outcome in (Outcome.PAIRED, Outcome.ORPHAN)]

    async def _let_in(self, row: Row, entry: Passage) -> None:
        if is_live(seen(row["car_park"], entry, row), self._tx.now):
            await decide_entry(self._tx, row)

    async def _bill(self, known: Sequence[tuple[Row, Visit]]) -> None:
        """What is over is rated, what is inside another stay first: the other one is billed without it."""
        for row, visit in known:
            if visit.exit is None:
                continue
            if row["state"] == State.ORPHAN_EXIT:
                await decide_exit(self._tx, self._give_order, row, None, seen(row["car_park"], visit.exit, row))
                continue
            await self.bill(row, visit.exit)

    async def bill(self, row: Row, passage: Passage) -> None:
        rated = await rate_session(self._tx, self._shelf, row, apart=await self._apart(row))
        row = await self._keep(row, rated)
        await decide_exit(self._tx, self._give_order, row, rated.fee, seen(row["car_park"], passage, row))

    async def _apart(self, row: Row) -> timedelta:
        if row["zone"] or self._policies[row["car_park"]].zone_time == "also":
            return timedelta(0)
        return await sql.time_apart(self._tx, row["id"])

    async def _keep(self, row: Row, rated: Rated) -> Row:
        if rated.unrated is not None:
            told: dict[str, Any] = {"reason": rated.unrated}
        else:
            state = State.RATED if rated.total else State.CLOSED
            told = {"state": state, "reason": None, "fee": rated.document, "amount": rated.total}
        (moved,) = await self._write([(row, told)])
        return moved

    async def _look_again(self, same: Sequence[tuple[Row, Visit]]) -> None:
        """Stays that were billed before, of which something around them has become known."""


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


def _exit(visit: Visit) -> dict[str, Any]:
    left = visit.exit
    return {"exit_passage": None if left is None else left.id, "exit_at": None if left is None else left.at}


def _ends(visit: Visit) -> dict[str, Any]:
    told = _exit(visit)
    if visit.entry is not None:
        told |= {"entry_passage": visit.entry.id, "entry_at": visit.entry.at}
    return told if visit.color is None else {**told, "color": visit.color}


def _new(session: str, car_park: str, visit: Visit, parent: str | None, before: Kept | None) -> NewSession:
    state = _STATE.get(visit.outcome, State.SUSPECT)
    return NewSession(
        id=session,
        car_park=car_park,
        zone=visit.zone,
        state=state,
        first=visit.first,
        color=visit.color,
        reason=visit.outcome if state is State.SUSPECT else None,
        parent=parent,
        entry=visit.entry,
        exit=visit.exit,
        supersedes=None if before is None else before.id,
    )


def seen(car_park: str, passage: Passage, row: Row) -> PassageSeen:
    """The passage as a fact again; it is told of the vehicle as the session knows it."""
    return PassageSeen(
        car_park=CarParkId(car_park),
        id=passage.id,
        lane=passage.lane,
        direction=passage.direction,
        plate=row["plate"],
        color=row["color"],
        vehicle_class=passage.vehicle_class,
        confidence=passage.confidence,
        image=passage.image,
        ticket=row["ticket"],
        at=passage.at,
        received_at=passage.at,
    )
