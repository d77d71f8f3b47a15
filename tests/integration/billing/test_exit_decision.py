"""What is decided of a stay at its exit, what it leaves in the tables, and what the lane is told."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from billing.barrier_paid import barrier_paid
from billing.charges import pay_charge
from billing.entry_decision import decide_entry
from billing.exit_decision import decide_exit
from billing.exit_way import Decision
from billing.reconsider import reconsider
from billing.sql import charges
from billing.tariffs.fee import Fee
from gateway.give_order import give_order
from kernel.db import Row
from tests.conftest import Eventually
from tests.integration.billing.conftest import PARK, Site
from tests.integration.billing.stays import COLOR, PLATE, agreement, fee, owed, seen, stay

ORDERS = "SELECT kind, reason, lane, text, cause FROM gateway.device_order ORDER BY kind, reason"


async def leave(site: Site, session: Row, what: Fee | None, **passage: Any) -> Decision:
    async with site.database.transaction() as tx:
        return await decide_exit(tx, give_order, session, what, seen(tx.now, "exit", **passage))


async def one(site: Site, statement: str, *arguments: Any) -> Row:
    (row,) = await site.rows(statement, *arguments)
    return row


async def orders(site: Site) -> list[tuple[str, str]]:
    return sorted((row["kind"], row["reason"]) for row in await site.rows(ORDERS))


async def begun(site: Site, **changes: Any) -> Row:
    async with site.database.transaction() as tx:
        return await stay(tx, **changes)


async def pay(site: Site, charge: str) -> bool:
    """As the payment's success does."""
    async with site.database.transaction() as tx:
        (row,) = await charges.lock(tx, [charge])
        row = await pay_charge(tx, row, row["amount"], payment=f"pay_{charge}", channel="sandbox")
        return await barrier_paid(tx, give_order, row)


async def test_a_vehicle_with_an_agreement_leaves_first(site: Site) -> None:
    async with site.database.transaction() as tx:
        await agreement(tx)
        session = await stay(tx)
    decided = await leave(site, session, fee(1200))
    assert (decided.way, decided.amount, decided.opens) == ("pay_later", 1200, True)
    assert await orders(site) == [("open_barrier", "pay_later")]
    charge = await one(site, "SELECT * FROM billing.charge")
    assert (charge["id"], charge["state"], charge["driver"]) == (decided.charge, "due", "ann")
    assert charge["due_at"] == site.clock.now() + timedelta(days=1)
    assert [line["amount"] for line in charge["lines"]] == [1200]
    job = await one(site, "SELECT entrypoint, payload FROM jobs.pgqueuer")
    assert (job["entrypoint"], job["payload"]) == ("billing.collect", charge["id"].encode())
    kept = await one(site, "SELECT at_exit, driver FROM billing.session")
    assert (kept["at_exit"]["way"], kept["at_exit"]["charge"], kept["driver"]) == ("pay_later", charge["id"], "ann")


async def test_all_others_pay_at_the_barrier_and_it_opens_with_the_payment(site: Site) -> None:
    decided = await leave(site, await begun(site), fee(1250))
    assert (decided.way, decided.reasons) == ("pay_at_barrier", ("no_agreement",))
    assert decided.charge is not None
    (shown,) = await site.rows(ORDERS)
    assert (shown["kind"], shown["lane"], shown["text"]) == (
        "show_text",
        "X1",
        f"请付12.50元 Pay /pay/{decided.charge}",
    )
    site.clock.advance(timedelta(minutes=4).total_seconds())
    assert await pay(site, decided.charge)
    assert await orders(site) == [("open_barrier", "paid"), ("show_text", "pay_at_barrier")]
    assert await site.rows("SELECT FROM billing.lane_wait") == []


async def test_who_has_gone_has_no_barrier_opened(site: Site) -> None:
    first = await leave(site, await begun(site), fee(500))
    site.clock.advance(timedelta(minutes=1).total_seconds())
    await leave(site, await begun(site, plate="辽B12345"), fee(0), plate="辽B12345")
    assert first.charge is not None
    assert not await pay(site, first.charge)
    assert await orders(site) == [("open_barrier", "free"), ("show_text", "pay_at_barrier")]
    second = await leave(site, await begun(site, plate="辽C12345"), fee(500), plate="辽C12345")
    site.clock.advance(timedelta(hours=1).total_seconds())
    assert second.charge is not None
    assert not await pay(site, second.charge), "somebody has let it out long ago"


@pytest.mark.parametrize(("kind", "way"), [("free_time", "free"), ("covered", "permit"), ("exempt", "permit")])
async def test_what_costs_nothing_opens(site: Site, kind: str, way: str) -> None:
    decided = await leave(site, await begun(site), fee(0, kind))
    assert (decided.way, decided.charge) == (way, None)
    assert await orders(site) == [("open_barrier", way)]


async def test_who_paid_inside_leaves_within_the_window_and_pays_the_difference_after_it(site: Site) -> None:
    session = await begun(site)
    async with site.database.transaction() as tx:
        quote = await owed(tx, session, 600, quote_good_until=tx.now + timedelta(minutes=5))
    await pay(site, quote["id"])
    site.clock.advance(timedelta(minutes=15).total_seconds())
    assert (await leave(site, session, fee(800))).way == "prepaid"
    site.clock.advance(timedelta(seconds=1).total_seconds())
    late = await leave(site, session, fee(800))
    assert (late.way, late.amount) == ("pay_at_barrier", 200)
    charge = await one(site, "SELECT lines, amount FROM billing.charge WHERE id = $1", late.charge)
    assert [line["amount"] for line in charge["lines"]] == [800, -600]


async def test_unpaid_stays_elsewhere_refuse_credit_and_paying_them_gives_it_back(site: Site) -> None:
    async with site.database.transaction() as tx:
        await agreement(tx)
        elsewhere = await stay(tx, car_park="sy-9", operator="otto")
        charge = await owed(tx, elsewhere)
        inside = await stay(tx, state="open", exit_at=None, exit_passage=None)
        assert (await decide_entry(tx, inside)).reasons == ("unpaid",)
    kept = await one(site, "SELECT at_entry, driver FROM billing.session WHERE id = $1", inside["id"])
    assert (kept["at_entry"]["pays_later"], kept["at_entry"]["amount_unpaid"], kept["driver"]) == (False, 500, "ann")
    assert (await leave(site, inside, fee(100))).reasons == ("unpaid",)
    await pay(site, charge["id"])
    again = await leave(site, inside, fee(100))
    assert again.way == "pay_later"
    due = await one(site, "SELECT due_at, driver FROM billing.charge WHERE id = $1", again.charge)
    assert tuple(due) == (site.clock.now() + timedelta(days=1), "ann"), "the channel has its time"
    states = [row["state"] for row in await site.rows("SELECT state FROM billing.charge ORDER BY state")]
    assert states == ["due", "paid"], "asked again for the same, it is the same charge"


async def test_what_a_channel_is_collecting_does_not_block_before_its_time_is_over(site: Site) -> None:
    async with site.database.transaction() as tx:
        await agreement(tx)
        first, second = await stay(tx), await stay(tx)
    assert (await leave(site, first, fee(100))).way == "pay_later"
    assert (await leave(site, second, fee(100))).way == "pay_later"
    site.clock.advance(timedelta(days=1).total_seconds())
    assert (await leave(site, await begun(site), fee(100))).reasons == ("unpaid",)


async def test_a_promise_opens_whatever_is_unpaid_elsewhere(site: Site) -> None:
    async with site.database.transaction() as tx:
        await owed(tx, await stay(tx, car_park="sy-9"))
        session = await stay(tx, reservation="rsv_1")
        promise = await owed(tx, session, 900, kind="reservation", session=None, reservation="rsv_1")
    unpaid = await leave(site, session, None)
    assert (unpaid.way, unpaid.charge, unpaid.amount) == ("pay_at_barrier", promise["id"], 900)
    await pay(site, promise["id"])
    assert (await leave(site, session, None)).way == "reservation"


async def test_a_stay_above_the_cap_is_paid_at_the_barrier(site: Site) -> None:
    await site.put(f"/v1/operator/car-parks/{PARK}/billing-policy", {"cap_per_stay": 1000})
    async with site.database.transaction() as tx:
        await agreement(tx)
        session = await stay(tx)
    decided = await leave(site, session, fee(1001))
    assert (decided.way, decided.reasons) == ("pay_at_barrier", ("over_cap",))
    changed = await leave(site, session, fee(1000))
    assert changed.way == "pay_later"
    rows = await site.rows("SELECT state, amount FROM billing.charge ORDER BY state")
    assert [tuple(row) for row in rows] == [("due", 1000), ("void", 1001)]


async def test_nobody_is_trapped_by_a_fee_that_nobody_knows(site: Site) -> None:
    assert (await leave(site, await begun(site), None)).way == "unrated"
    await site.put(f"/v1/operator/car-parks/{PARK}/billing-policy", {"unrated_opens": False})
    decided = await leave(site, await begun(site), None)
    assert (decided.way, decided.opens, decided.charge) == ("staff", False, None)
    assert await orders(site) == [("open_barrier", "unrated"), ("show_text", "staff")]
    assert await site.rows("SELECT FROM billing.charge") == []


async def test_a_passage_that_comes_late_has_no_orders_and_is_owed(site: Site) -> None:
    decided = await leave(site, await begun(site), fee(700), ago_s=3600)
    assert (decided.way, decided.opens) == ("afterwards", True)
    assert await orders(site) == []
    assert (await one(site, "SELECT state FROM billing.charge"))["state"] == "due"


async def test_without_a_colour_the_plate_alone_decides_where_it_is_one_vehicle(site: Site) -> None:
    async with site.database.transaction() as tx:
        await agreement(tx)
        first, second = await stay(tx, color=None), await stay(tx, color=None)
        await leave_both(tx)
    assert (await leave(site, first, fee(100), color=None)).way == "pay_later"
    charge = await one(site, "SELECT color FROM billing.charge")
    assert charge["color"] == COLOR, "the channel collects from the vehicle of the agreement"
    async with site.database.transaction() as tx:
        await agreement(tx, color="black", driver="ben")
    assert (await leave(site, second, fee(100), color=None)).reasons == ("no_agreement",)


async def leave_both(tx: Any) -> None:
    """Nothing is unpaid."""
    assert await tx.fetchval("SELECT count(*) FROM billing.charge") == 0


async def test_a_ticket_pays_at_the_barrier(site: Site) -> None:
    session = await begun(site, plate=None, color=None, ticket="T-1")
    decided = await leave(site, session, fee(300), plate=None, color=None, ticket="T-1")
    assert (decided.way, decided.reasons) == ("pay_at_barrier", ("no_plate",))


async def test_whoever_waits_goes_on_when_what_stood_against_him_is_paid(site: Site) -> None:
    async with site.database.transaction() as tx:
        await agreement(tx)
        elsewhere = await owed(tx, await stay(tx, car_park="sy-9"))
        session = await stay(tx)
    waits = await leave(site, session, fee(300))
    assert waits.reasons == ("unpaid",)
    async with site.database.transaction() as tx:
        assert not await reconsider(tx, give_order, plate=PLATE, color=COLOR)
    site.clock.advance(60)
    await pay(site, elsewhere["id"])
    async with site.database.transaction() as tx:
        assert await reconsider(tx, give_order, plate=PLATE, color=COLOR)
    assert await orders(site) == [("open_barrier", "pay_later"), ("show_text", "pay_at_barrier")]
    kept = await one(site, "SELECT at_exit, driver FROM billing.session WHERE id = $1", session["id"])
    assert (kept["at_exit"]["way"], kept["at_exit"]["opens"], kept["driver"]) == ("pay_later", True, "ann")
    charge = await one(site, "SELECT state, driver, due_at FROM billing.charge WHERE id = $1", waits.charge)
    assert (charge["state"], charge["driver"]) == ("due", "ann")
    assert charge["due_at"] == site.clock.now() + timedelta(days=1)
    async with site.database.transaction() as tx:
        assert not await reconsider(tx, give_order, plate=PLATE, color=COLOR), "once"


async def test_whoever_waits_goes_on_when_he_agrees(site: Site) -> None:
    await leave(site, await begun(site), fee(300))
    answer = await site.post("/v1/agreements", {"vehicle": {"plate": PLATE, "color": COLOR}})
    assert answer.status == 201, answer.raw
    assert await orders(site) == [("open_barrier", "pay_later"), ("show_text", "pay_at_barrier")]


async def test_whoever_is_read_again_while_he_pays_is_let_out_and_not_asked_again(
    site: Site, eventually: Eventually
) -> None:
    session = await begun(site)
    first = await leave(site, session, fee(300))
    assert first.charge is not None
    async with site.database.transaction() as tx:
        (row,) = await charges.lock(tx, [first.charge])
        again = asyncio.create_task(leave(site, session, fee(300)))
        await eventually(
            lambda: site.rows(
                "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            )
        )
        paid = await pay_charge(tx, row, 300, payment="pay_1", channel="sandbox")
        assert await barrier_paid(tx, give_order, paid)
    assert (await again).way == "prepaid"
    assert await site.rows("SELECT FROM billing.lane_wait") == []


async def test_staff_see_who_stands_before_the_barriers(site: Site) -> None:
    path = f"/v1/operator/car-parks/{PARK}/waiting"
    waits = await leave(site, await begun(site), fee(300))
    (listed,) = (await site.get(path, who="mira")).json["items"]
    assert (listed["lane"], listed["plate"], listed["open"]["amount"]) == ("X1", PLATE, 300)
    assert listed["charge"] == waits.charge
    assert (await site.get(path, who="otto")).status == 404
    site.clock.advance(1800)
    assert (await site.get(path, who="mira")).json["items"] == [], "somebody has looked after it"


async def test_a_price_that_was_asked_for_inside_is_the_charge_at_the_exit(site: Site) -> None:
    session = await begun(site)
    async with site.database.transaction() as tx:
        quote = await owed(tx, session, 600, quote_good_until=tx.now + timedelta(minutes=5))
        assert await tx.fetchval("SELECT count(*) FROM billing.journal") == 0
    asked = await leave(site, session, fee(600))
    assert (asked.way, asked.charge) == ("pay_at_barrier", quote["id"])
    row = await one(site, "SELECT state, remind_at FROM billing.charge WHERE id = $1", quote["id"])
    assert tuple(row) == ("due", site.clock.now() + timedelta(days=3))
    assert await pay(site, quote["id"]), "whoever was just paying it has paid"


async def test_whoever_leaves_while_he_pays_inside_is_charged_once(site: Site, eventually: Eventually) -> None:
    session = await begun(site)
    async with site.database.transaction() as tx:
        quote = await owed(tx, session, 600, quote_good_until=tx.now + timedelta(minutes=5))
    async with site.database.transaction() as tx:
        (row,) = await charges.lock(tx, [quote["id"]])
        leaves = asyncio.create_task(leave(site, session, fee(600)))
        await eventually(
            lambda: site.rows(
                "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            )
        )
        await pay_charge(tx, row, 600, payment="pay_1", channel="sandbox")
    assert (await leaves).way == "prepaid"
    assert len(await site.rows("SELECT FROM billing.charge")) == 1


async def test_a_vehicle_stands_before_one_barrier(site: Site) -> None:
    session = await begun(site)
    await leave(site, session, fee(300))
    moved = await leave(site, session, fee(300), lane="X2")
    (stands,) = await site.rows("SELECT lane, charge FROM billing.lane_wait")
    assert tuple(stands) == ("X2", moved.charge)
