"""Reminders by level and the end of asking, by a moved clock."""

from typing import Any

from billing.charges import accept_charge, dispute_charge, pay_charge, refuse_charge, uphold_charge
from billing.remind import remind_all
from billing.sql import charges
from tests.integration.billing.conftest import PARK, Site
from tests.integration.billing.stays import owed, stay

DAY = 86_400


async def unpaid(site: Site, **changes: Any) -> str:
    async with site.database.transaction() as tx:
        row = await owed(tx, await stay(tx), remind_at=tx.now, **changes)
    return str(row["id"])


async def standing(site: Site, charge: str) -> tuple[str, int]:
    (row,) = await site.rows("SELECT state, level FROM billing.charge WHERE id = $1", charge)
    return row["state"], row["level"]


async def swept(site: Site, days: float) -> int:
    site.clock.advance(days * DAY)
    return await remind_all(site.database)


async def test_level_by_level_and_at_last_written_off(site: Site) -> None:
    charge = await unpaid(site)
    assert await swept(site, 0) == 1, "it was looked at, and its time has not come"
    assert await standing(site, charge) == ("due", 0)
    assert await swept(site, 2.9) == 0
    assert await swept(site, 0.1) == 1
    assert await standing(site, charge) == ("overdue", 1)
    await swept(site, 7)
    assert await standing(site, charge) == ("overdue", 2)
    await swept(site, 20)
    assert await standing(site, charge) == ("overdue", 3)
    await swept(site, 334)
    assert await standing(site, charge) == ("overdue", 3)
    await swept(site, 1)
    assert await standing(site, charge) == ("written_off", 3)
    assert await swept(site, 400) == 0
    told = await site.rows("SELECT kind, detail FROM billing.charge_event WHERE charge = $1 ORDER BY number", charge)
    assert [row["kind"] for row in told] == ["raised", *["reminded"] * 3, "written_off"]
    (owes,) = await site.rows("SELECT sum(balance)::bigint AS fen FROM billing.account WHERE kind = 'payer'")
    assert owes["fen"] == 0


async def test_a_sweep_that_comes_late_reminds_once(site: Site) -> None:
    charge = await unpaid(site)
    await swept(site, 12)
    assert await standing(site, charge) == ("overdue", 1)
    await swept(site, 0)
    assert await standing(site, charge) == ("overdue", 2)
    assert await swept(site, 0) == 0


async def test_nobody_is_reminded_of_what_he_objects_to_or_what_is_collected_or_paid(site: Site) -> None:
    disputed, accepted, paid = [await unpaid(site) for _ in range(3)]
    async with site.database.transaction() as tx:
        rows = {row["id"]: row for row in await charges.lock(tx, [disputed, accepted, paid])}
        await dispute_charge(tx, rows[disputed], actor="driver:ann", reason="no")
        await accept_charge(tx, rows[accepted], channel="sandbox")
        await pay_charge(tx, rows[paid], 500, payment="pay_1", channel="sandbox", is_advanced=True)
    assert await swept(site, 400) == 0
    async with site.database.transaction() as tx:
        (row,) = await charges.lock(tx, [disputed])
        await uphold_charge(tx, row, actor="operator:x", reason="yes", remind_at=tx.now)
    await swept(site, 0)
    assert await standing(site, disputed) == ("written_off", 0)


async def test_a_policy_that_changed_holds_for_what_is_owed_already(site: Site) -> None:
    charge = await unpaid(site)
    answer = await site.put(f"/v1/operator/car-parks/{PARK}/billing-policy", {"remind_after_d": [5]})
    assert answer.status == 200, answer.raw
    await swept(site, 3)
    assert await standing(site, charge) == ("due", 0)
    await swept(site, 2)
    assert await standing(site, charge) == ("overdue", 1)


async def test_two_sweeps_share_the_work(site: Site) -> None:
    one = await unpaid(site)
    site.clock.advance(3 * DAY)
    async with site.database.transaction() as tx:
        await charges.lock(tx, [one])
        assert await remind_all(site.database) == 0, "somebody else holds it"
    assert await remind_all(site.database) == 1


async def test_an_objection_made_while_a_channel_was_collecting_stops_the_asking(site: Site) -> None:
    charge = await unpaid(site, driver="ann")
    async with site.database.transaction() as tx:
        (row,) = await charges.lock(tx, [charge])
        await accept_charge(tx, row, channel="sandbox")
    made = await site.post(f"/v1/charges/{charge}/dispute", {"reason": "no"})
    assert made.status == 200, made.raw
    async with site.database.transaction() as tx:
        (row,) = await charges.lock(tx, [charge])
        await refuse_charge(tx, row, channel="sandbox", error="no money")
    await swept(site, 3)
    assert await standing(site, charge) == ("disputed", 0)
