"""An order's way: a row, a message after the commit, the device's answer, or the deadline."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from itertools import count

import pytest

from app.embedded import EmbeddedBroker
from contracts.facts import PassageSeen
from contracts.ids import OrderId
from contracts.orders import OrderClosed, OrderState
from gateway import dispatch_orders
from gateway.errors import UnknownCarPark, UnknownLane, UnknownSpace
from gateway.expire_orders import expire_orders, forget_orders
from gateway.give_order import give_order
from gateway.sql import orders as sql
from kernel.db import Database, Tx
from kernel.edge_problems import MalformedBody
from tests.conftest import Eventually
from tests.integration.gateway.conftest import Books, StartClient, StartGateway, books_are, now, register
from tests.integration.gateway.ordering import (
    Barrier,
    answer,
    give,
    has_state,
    is_over,
    orders,
    row_of,
    state_of,
    wanted,
)

ORDERS = "parking/v1/op/+/orders"
ERRORS = "parking/v1/op/+/errors"


async def test_a_barrier_is_opened_and_the_answer_closes_the_order(
    db: Database, start_gateway: StartGateway, start_client: StartClient, eventually: Eventually, books: Books
) -> None:
    device = await start_client(ORDERS)
    await start_gateway()
    order = await give(db, wanted())
    await eventually(lambda: orders(device))
    (told,) = orders(device)
    row = await row_of(db, order)
    assert told == {
        "order": order,
        "kind": "open_barrier",
        "lane": "E1",
        "reason": "pay_later",
        "expires_at": row["expires_at"].isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    assert row["expires_at"] - row["given_at"] <= timedelta(seconds=10)
    assert not device.heard[0].retain
    answer(device, order)
    await eventually(partial(has_state, db, order, "done"))
    row = await row_of(db, order)
    assert row["given_at"] <= row["published_at"] <= row["closed_at"]
    assert await books() == {"received": 1, "stored": 1, "duplicate": 0, "late": 0, "dead": 0}


async def test_it_goes_out_by_the_notification_and_not_by_the_sweep(
    db: Database,
    start_gateway: StartGateway,
    start_client: StartClient,
    eventually: Eventually,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dispatch_orders, "SWEEP_S", 3_600.0)
    device = await start_client(ORDERS)
    await start_gateway()
    first = await give(db, wanted(cause="exit:1", ttl_s=60))
    await eventually(partial(has_state, db, first, "published"))  # the first may have been there before the listening
    second = await give(db, wanted(cause="exit:2", ttl_s=60))
    await eventually(partial(has_state, db, second, "published"))
    assert [told["order"] for told in orders(device)] == [first, second]


async def test_the_same_cause_is_the_same_order(
    db: Database, start_gateway: StartGateway, start_client: StartClient, eventually: Eventually
) -> None:
    given = await asyncio.gather(*(give(db, wanted()) for _ in range(5)))
    assert len(set(given)) == 1
    device = await start_client(ORDERS)
    await start_gateway()
    other = await give(db, wanted(cause="exit:pas_2"))
    await eventually(lambda: len(orders(device)) == 2)
    assert {told["order"] for told in orders(device)} == {given[0], other}


async def test_a_cause_that_is_rolled_back_gives_no_order(
    db: Database, start_gateway: StartGateway, start_client: StartClient, eventually: Eventually
) -> None:
    device = await start_client(ORDERS)
    await start_gateway()
    with pytest.raises(ZeroDivisionError):
        async with db.transaction() as tx:
            await give_order(tx, wanted(cause="exit:never"))
            raise ZeroDivisionError
    order = await give(db, wanted())
    await eventually(lambda: orders(device))
    assert [told["order"] for told in orders(device)] == [order]


async def test_a_handler_in_the_gateways_own_transaction_gives_orders(
    db: Database, start_gateway: StartGateway, start_client: StartClient, eventually: Eventually
) -> None:
    async def let_out(tx: Tx, passages: Sequence[PassageSeen]) -> None:
        for passage in passages:
            await give_order(tx, wanted(cause=f"exit:{passage.id}", lane=passage.lane))

    device = await start_client(ORDERS)
    await start_gateway(on_passage=[let_out])
    seen = {"id": "e1-1", "lane": "E1", "direction": "exit", "at": now()}
    device.say("passages", seen)
    device.say("passages", seen)
    await eventually(lambda: orders(device))
    device.say("passages", seen | {"id": "e1-2"})
    await eventually(lambda: len(orders(device)) == 2)


async def test_what_the_device_could_not_do_has_failed(
    db: Database, start_gateway: StartGateway, start_client: StartClient, eventually: Eventually
) -> None:
    device = await start_client(ORDERS)
    await start_gateway()
    order = await give(db, wanted())
    await eventually(lambda: orders(device))
    answer(device, order, ok=False, error="arm blocked")
    await eventually(partial(has_state, db, order, "failed"))
    assert (await row_of(db, order))["error"] == "arm blocked"


async def test_answers_are_counted_as_what_they_are(
    db: Database, start_gateway: StartGateway, start_client: StartClient, eventually: Eventually, books: Books
) -> None:
    told: list[OrderClosed] = []

    async def hear(_tx: Tx, closed: OrderClosed) -> None:
        told.append(closed)

    await register(db, "mall-2")
    device = await start_client(ORDERS, ERRORS)
    await start_gateway(on_order=[hear])
    order = await give(db, wanted())
    expired = await give(db, wanted(cause="exit:2", ttl_s=1))
    foreign = await give(db, wanted(cause="exit:3", car_park="mall-2"))
    await eventually(lambda: len(orders(device)) == 3)
    answer(device, order)
    answer(device, order)
    answer(device, foreign)
    answer(device, "ord_nobody")
    await eventually(partial(is_over, db, expired))
    answer(device, expired)
    answer(device, expired)
    await eventually(partial(books_are, books, received=6, stored=1, duplicate=2, late=1, dead=2))
    row = await row_of(db, expired)
    assert (row["state"], row["acknowledged_at"]) == ("expired", None)
    assert row["acknowledged_late_at"] > row["expires_at"]
    ends = [(order, OrderState.DONE), (expired, OrderState.EXPIRED)]
    assert [(closed.order, closed.state) for closed in told] == ends
    assert await state_of(db, foreign) in ("pending", "published")
    await eventually(lambda: len(device.said("/errors")) == 2)
    assert {told["reason"] for told in device.said("/errors")} == {"foreign_order", "unknown_order"}
    answer(device, foreign, car_park="mall-2")
    await eventually(partial(has_state, db, foreign, "done"))


async def test_what_nobody_answered_expires_and_whoever_gave_it_is_told(database: Database) -> None:
    await register(database)
    told: list[OrderClosed] = []

    async def hear(_tx: Tx, closed: OrderClosed) -> None:
        told.append(closed)

    clock = database.clock
    order = await give(database, wanted())
    clock.advance(10.0)  # type: ignore[attr-defined]  # the fixture's manual clock
    async with database.transaction() as tx:
        assert not await expire_orders(tx, [hear])
    clock.advance(0.1)  # type: ignore[attr-defined]  # the fixture's manual clock
    async with database.transaction() as tx:
        assert [closed.order for closed in await expire_orders(tx, [hear])] == [order]
    assert [(closed.order, closed.cause, closed.state) for closed in told] == [
        (order, "exit:pas_1", OrderState.EXPIRED)
    ]
    clock.advance(400 * 86_400)  # type: ignore[attr-defined]  # the fixture's manual clock
    async with database.transaction() as tx:
        assert await forget_orders(tx, days=401) == 0
        assert await forget_orders(tx, days=399) == 1


async def test_two_that_sweep_close_each_order_once(database: Database) -> None:
    await register(database)
    given = [await give(database, wanted(cause=f"exit:{number}")) for number in range(40)]
    database.clock.advance(11)  # type: ignore[attr-defined]  # the fixture's manual clock

    async def sweep() -> list[str]:
        async with database.transaction() as tx:
            return [closed.order for closed in await expire_orders(tx, [])]

    swept = await asyncio.gather(sweep(), sweep(), sweep())
    assert sorted(order for part in swept for order in part) == sorted(given)


async def test_a_handler_that_fails_holds_up_its_own_order_only(database: Database) -> None:
    await register(database)
    failing = True

    async def hear(tx: Tx, closed: OrderClosed) -> None:
        if failing and closed.cause == "exit:bad":
            await tx.execute("SELECT 1 / 0")

    await give(database, wanted(cause="exit:bad"))
    good = await give(database, wanted(cause="exit:good"))
    database.clock.advance(11)  # type: ignore[attr-defined]  # the fixture's manual clock
    async with database.transaction() as tx:
        assert [closed.order for closed in await expire_orders(tx, [hear])] == [good]
    failing = False
    async with database.transaction() as tx:
        assert [closed.cause for closed in await expire_orders(tx, [hear])] == ["exit:bad"]


async def test_a_newer_text_takes_the_place_of_one_that_has_not_gone_out(
    db: Database, start_gateway: StartGateway, start_client: StartClient, eventually: Eventually
) -> None:
    cause = (f"text:{number}" for number in count())
    older = await give(db, wanted("show_text", cause=next(cause), text="10"))
    older_still = await give(db, wanted("show_text", cause=next(cause), text="9"))
    newest = await give(db, wanted("show_text", cause=next(cause), text="8"))
    assert await state_of(db, older) == "superseded"
    assert (await row_of(db, older_still))["superseded_by"] == newest
    device = await start_client(ORDERS)
    await start_gateway()
    last = await give(db, wanted(cause="exit"))
    await eventually(lambda: any(told["order"] == last for told in orders(device)))
    assert [told["text"] for told in orders(device) if told["kind"] == "show_text"] == ["8"]


async def test_a_text_that_was_sent_is_an_order_of_its_own(
    db: Database, start_gateway: StartGateway, start_client: StartClient, eventually: Eventually, books: Books
) -> None:
    device = await start_client(ORDERS)
    await start_gateway()
    given = []
    for number in range(3):
        given.append(await give(db, wanted("show_text", cause=f"text:{number}", text=str(number))))
        await eventually(lambda: orders(device)[-1:] and orders(device)[-1]["order"] == given[-1])
    for order in given:
        answer(device, order)
    await eventually(partial(has_state, db, given[-1], "done"))
    assert [await state_of(db, order) for order in given] == ["done", "done", "done"]
    assert await books() == {"received": 3, "stored": 3, "duplicate": 0, "late": 0, "dead": 0}


async def test_many_that_give_texts_for_one_lane_wait_for_nobody(
    db: Database, broker: EmbeddedBroker, start_gateway: StartGateway, eventually: Eventually, books: Books
) -> None:
    async def keep_giving(giver: int) -> list[OrderId]:
        causes = [f"text:{giver}:{number}" for number in range(20)]
        return [await give(db, wanted("show_text", cause=cause, text=cause)) for cause in causes]

    async def states() -> Counter[str]:
        async with db.transaction(readonly=True) as tx:
            return Counter(row["state"] for row in await tx.fetch("SELECT state FROM gateway.device_order"))

    async def all_closed() -> bool:
        return not (await states()).keys() & {"pending", "published"}

    async with Barrier(broker.url_v5, client_id="display").obeying(eventually) as display:
        await start_gateway()
        await asyncio.gather(*(keep_giving(giver) for giver in range(7)))
        await eventually(all_closed)
    async with db.transaction(readonly=True) as tx:
        assert not await tx.fetchval("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    found = await states()
    shown = {told["order"] for told in orders(display)}
    assert found == {"done": len(shown), "superseded": 140 - len(shown)}
    assert await books() == {"received": len(shown), "stored": len(shown), "duplicate": 0, "late": 0, "dead": 0}


async def test_a_text_that_may_have_been_shown_is_not_sent_again_over_a_newer_one(db: Database) -> None:
    older = await give(db, wanted("show_text", cause="text:1", text="10"))
    async with db.transaction() as tx:
        assert await sql.set_dispatched(tx, [older]) == [older]
    newer = await give(db, wanted("show_text", cause="text:2", text="9"))
    async with db.transaction() as tx:
        due = await sql.pending_orders(tx, but_not=(), operators=["op"], limit=10)
        assert [row["id"] for row in due] == [newer]
        assert await sql.set_dispatched(tx, [older, newer]) == sorted([older, newer])
    assert await state_of(db, older) == "pending"


async def test_an_order_that_nobody_could_obey_is_refused(db: Database) -> None:
    with pytest.raises(UnknownLane):
        await give(db, wanted(lane="X9"))
    with pytest.raises(UnknownSpace):
        await give(db, wanted("raise_lock", lane=None, space="B9-1"))
    with pytest.raises(UnknownCarPark):
        await give(db, wanted(car_park="mall-9"))
    with pytest.raises(MalformedBody, match="text"):
        await give(db, wanted("show_text", text="满" * 65))
    with pytest.raises(MalformedBody, match="ttl_s"):
        await give(db, wanted(ttl_s=3600))
    async with db.transaction() as tx:
        await tx.execute("DELETE FROM registry.lane")
    assert await give(db, wanted(lane="X9"))


async def test_a_car_park_that_is_offline_is_sent_nothing_until_it_is_back(
    db: Database, start_gateway: StartGateway, start_client: StartClient, eventually: Eventually
) -> None:
    await register(db, "mall-2")
    device = await start_client(ORDERS)
    await start_gateway()
    device.say("status", {"online": False, "at": now()})

    async def offline() -> bool:
        async with db.transaction(readonly=True) as tx:
            return bool(await tx.fetchval("SELECT NOT online FROM occupancy.online_now WHERE car_park = 'mall-1'"))

    await eventually(offline)
    missed = await give(db, wanted(cause="missed", ttl_s=1))
    waiting = await give(db, wanted(cause="waiting", ttl_s=60))
    other = await give(db, wanted(cause="other", car_park="mall-2"))
    await eventually(partial(is_over, db, missed))
    assert [told["order"] for told in orders(device)] == [other]
    device.say("status", {"online": True, "at": now()})
    await eventually(lambda: len(orders(device)) == 2)
    assert [told["order"] for told in orders(device)] == [other, waiting]
