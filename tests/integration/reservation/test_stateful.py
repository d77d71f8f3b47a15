"""The whole life of promises against a plain model, over the real database: whatever order things happen in.

After every step the rows are the model's; at every instant a pool promises no more than it may; no space and no vehicle
is promised twice; the counters are what another count says.
"""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule, run_state_machine_as_test

from app.embedded import EmbeddedPostgres
from contracts.vehicles import Vehicle
from kernel.answers import Answer, dump
from kernel.clock import ManualClock
from kernel.db import Database, Row, Tx
from kernel.edge_problems import IdempotencyKeyReused
from kernel.idempotency import Claim, once
from kernel.problems import Problem
from reservation.cancel import cancel_promise
from reservation.claim import guarded, take_more
from reservation.confirm import confirm_hold
from reservation.extend import extend_promise
from reservation.hold import hold_space
from reservation.lifecycle import checked_in, completed
from reservation.place import PlaceIn, find_place
from reservation.sql import recount
from reservation.sql import reservations as sql
from reservation.stay import Stay
from reservation.steps import current, stepped, write
from tests.integration.reservation.promise_model import ACTIVE, HOLD, LATE, PRICE_PER_HOUR, Kept, Model, Refused, fen

NIGHT = datetime(2026, 11, 23, 22, 30, tzinfo=UTC)
"""Most windows go over midnight."""
CAPACITY = {"sy-1": 2, "sy-2": 1}
SPACES = ("B1-001", "B1-002")
LAY_OUT = """
INSERT INTO registry.operator (id, name_zh, name_en, created_at) VALUES ('mira', 'mira', 'mira', now());
INSERT INTO registry.car_park (id, operator, name_zh, name_en, kind, lat, lon, time_zone, capacity, reservable,
    created_at, updated_at) VALUES ('sy-1', 'mira', 'a', 'a', 'mall', 41.8, 123.4, 'Asia/Shanghai', 9, 2, now(), now()),
    ('sy-2', 'mira', 'b', 'b', 'mall', 41.8, 123.4, 'Asia/Shanghai', 9, 1, now(), now());
INSERT INTO registry.space (car_park, label) VALUES ('sy-1', 'B1-001'), ('sy-1', 'B1-002');
"""
EMPTY = "TRUNCATE reservation.reservation, reservation.pool_day, kernel.idempotency CASCADE"
Effect = Callable[[Tx], Awaitable[Row]]


class Promises(RuleBasedStateMachine):
    """One city, one clock, one event loop; `names` are the model's names of reservations."""

    runner: asyncio.Runner
    database: Database

    names = Bundle("names")
    keys = Bundle("keys")

    def __init__(self) -> None:
        super().__init__()
        self.model = Model(dict(CAPACITY))
        self.ids: dict[str, str] = {}
        self.done: dict[str, tuple[Effect, Answer]] = {}
        self.numbers = itertools.count()
        self.clock = self.database.clock = ManualClock(NIGHT)
        self.run(self._emptied())

    def run(self, work: Any) -> Any:
        return self.runner.run(work)

    async def _emptied(self) -> None:
        async with self.database.transaction() as tx:
            await tx.execute(EMPTY)

    @property
    def now(self) -> datetime:
        return self.clock.now()

    @rule(seconds=st.sampled_from([1, 7, 20, 53, 60, 61, 240, 300, 301, 900, 1_801, 3_600]))
    def time_passes(self, seconds: int) -> None:
        self.clock.advance(seconds)

    @rule(
        target=names,
        car_park=st.sampled_from(sorted(CAPACITY)),
        space=st.sampled_from([None, None, *SPACES]),
        vehicle=st.integers(0, 3),
        begins=st.integers(-9, 360),
        lasts=st.integers(18, 360),
    )
    def hold(self, car_park: str, space: str | None, vehicle: int, begins: int, lasts: int) -> Any:
        """In steps of 20 s."""
        self.sweep()
        if car_park != "sy-1":
            space = None
        starts, name = self.now + timedelta(seconds=20 * begins), f"r{next(self.numbers)}"
        until = starts + timedelta(seconds=20 * lasts)
        latest = min(starts + LATE, until)
        wanted = Kept(
            car_park=car_park,
            space=space,
            vehicle=vehicle,
            begins=starts,
            until=until,
            hold_until=min(self.now + HOLD, latest),
            latest=latest,
            price=fen(PRICE_PER_HOUR, until - starts),
            occupies=(starts, until),
        )

        async def effect(tx: Tx) -> Row:
            place = await find_place(tx, PlaceIn(car_park=car_park, space=space))
            car = Vehicle(plate=f"辽A1234{vehicle}", color="blue")
            return await hold_space(tx, "ann", place, Stay(car, starts, until))

        row = self._both(effect, lambda: self.model.hold(self.now, name, wanted))
        if row is None:
            return multiple()
        self.ids[name] = row["id"]
        return name

    @rule(name=names)
    def confirm(self, name: str) -> None:
        self._both(
            lambda tx: confirm_hold(tx, self.ids[name], driver="ann"), lambda: self.model.confirm(self.now, name)
        )

    @rule(name=names, more=st.integers(-5, 360))
    def extend(self, name: str, more: int) -> None:
        self.sweep()  # the model knows of no hold that ran out and is ended because it stands in the way
        until = self.model.kept[name].until + timedelta(seconds=20 * more)
        self._both(
            lambda tx: extend_promise(tx, self.ids[name], until, driver="ann"),
            lambda: self.model.extend(self.now, name, until),
        )

    @rule(name=names)
    def cancel(self, name: str) -> None:
        self._both(
            lambda tx: cancel_promise(tx, self.ids[name], driver="ann"), lambda: self.model.cancel(self.now, name)
        )

    @rule(name=names)
    def arrive(self, name: str) -> None:
        async def effect(tx: Tx) -> Row:
            row, promise = await current(tx, self.ids[name], driver=None)
            after = stepped(row, checked_in, promise, tx.now)
            with guarded(tx, row["car_park"]):
                moved = await write(tx, row, after, "checked_in", passage="psg_1")
                begins, until = after.occupies_from, after.occupies_until
                await take_more(tx, row, begins, until, reservable=CAPACITY[row["car_park"]])
            return moved

        self._both(effect, lambda: self.model.arrive(self.now, name))

    @rule(name=names)
    def leave(self, name: str) -> None:
        async def effect(tx: Tx) -> Row:
            row, promise = await current(tx, self.ids[name], driver=None)
            fee = sql.terms_of(row).overstay_fee(promise.until, tx.now)
            return await write(tx, row, stepped(row, completed, promise, tx.now, fee=fee), "completed")

        self._both(effect, lambda: self.model.leave(self.now, name))

    @rule()
    def sweep(self) -> None:
        async def each() -> None:
            for reservation in self.ids.values():
                async with self.database.transaction() as tx:
                    row, promise = await current(tx, reservation, driver=None)
                    if promise.state != row["state"]:
                        await write(tx, row, promise, promise.state)

        self.run(each())
        self.model.sweep(self.now)

    @rule(data=st.data(), other=st.booleans())
    def ask_again(self, data: st.DataObject, other: bool) -> None:
        """With a key that was answered: the first answer again, and no second effect; with another body, a refusal."""
        if not self.done:
            return
        key = data.draw(st.sampled_from(sorted(self.done)))
        effect, first = self.done[key]
        if other:
            with pytest.raises(IdempotencyKeyReused):
                self.run(self._once(key, effect, body=b"other"))
        else:
            assert self.run(self._once(key, effect)) == (first, True)

    def _both(self, effect: Effect, in_model: Callable[[], None]) -> dict[str, Any] | None:
        """The same in both worlds: the row it left, or None when both refused for the same reason."""
        refused = None
        try:
            in_model()
        except Refused as reason:
            refused = str(reason)
        key = f"k{next(self.numbers)}"
        try:
            answer, repeated = self.run(self._once(key, effect))
        except Problem as problem:
            assert refused == problem.slug, f"the model says {refused}, the service {problem.slug}: {problem.detail}"
            return None
        assert refused is None, f"the model refuses: {refused}"
        assert not repeated
        self.done[key] = (effect, answer)
        row: dict[str, Any] = dict(answer.headers)
        return row

    async def _once(self, key: str, effect: Effect, body: bytes = b"same") -> tuple[Answer, bool]:
        async def answered(tx: Tx) -> Answer:
            row = await effect(tx)
            return Answer(200, {"id": row["id"]}, dump({"id": row["id"], "version": row["version"]}))

        return await once(self.database, Claim("ann", "POST /x", key, body.ljust(32)), answered)

    @invariant()
    def the_rows_are_the_models(self) -> None:
        rows = {row["id"]: row for row in self._fetch("SELECT * FROM reservation.reservation")}
        assert len(rows) == len(self.model.kept)
        for name, kept in self.model.kept.items():
            row = rows[self.ids[name]]
            told = (row["state"], row["version"], row["price"], row["fee"], row["during"].upper, row["latest"])
            assert told == (kept.state, kept.version, kept.price, kept.fee, kept.until, kept.latest), name
            if kept.occupies[0] < kept.occupies[1]:
                assert (row["occupies"].lower, row["occupies"].upper) == kept.occupies, name
            else:
                assert row["occupies"].isempty, name

    @invariant()
    def nothing_is_promised_twice(self) -> None:
        taking = [row for row in self._fetch("SELECT * FROM reservation.reservation") if row["state"] in ACTIVE]
        for begins in {row["occupies"].lower for row in taking}:
            at = [row for row in taking if row["occupies"].lower <= begins < row["occupies"].upper]
            for car_park, capacity in CAPACITY.items():
                assert sum(row["car_park"] == car_park for row in at) <= capacity
            spaces = [row["space"] for row in at if row["space"] is not None]
            assert len(set(spaces)) == len(spaces)
            assert len({row["plate"] for row in at}) == len(at)

    @invariant()
    def the_counters_are_what_is_counted(self) -> None:
        async def differences() -> list[Row]:
            async with self.database.transaction(readonly=True) as tx:
                return await recount.differences(tx)

        assert self.run(differences()) == []

    def _fetch(self, statement: str) -> list[Row]:
        async def fetch() -> list[Row]:
            async with self.database.transaction(readonly=True) as tx:
                return await tx.fetch(statement)

        rows: list[Row] = self.run(fetch())
        return rows


def test_promises_behave_as_the_model(
    postgres_server: EmbeddedPostgres, template_database: Callable[[], Awaitable[str]]
) -> None:
    """Everything in one database, emptied for each example."""
    with asyncio.Runner() as runner:
        runner.run(_laid_out(postgres_server, template_database))
        database = Database(postgres_server.url("stateful"), ManualClock(NIGHT), connections_max=2)
        runner.run(database.open())
        Promises.runner, Promises.database = runner, database
        try:
            run_state_machine_as_test(
                Promises,
                settings=settings(
                    max_examples=12, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
                ),
            )
        finally:
            runner.run(database.close())


async def _laid_out(server: EmbeddedPostgres, template_database: Callable[[], Awaitable[str]]) -> None:
    template = await template_database()
    for database, statement in (("postgres", f"CREATE DATABASE stateful TEMPLATE {template}"), ("stateful", LAY_OUT)):
        connection = await asyncpg.connect(server.url(database))
        await connection.execute(statement)
        await connection.close()
