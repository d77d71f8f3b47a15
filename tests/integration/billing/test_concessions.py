"""Permits and coupons: issued by operators, put on stays by drivers, shown when a stay is rated, used once."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from billing.held import HeldFrom, held_by, mark_used
from billing.tariffs.concession import Held
from billing.tariffs.rate import rate
from billing.tariffs.tariff import read_tariff
from kernel.db import Row
from kernel.ids import new_id
from tests.integration.billing.conftest import ANN, BEN, CAR, CITY, MIRA, OTHER_CAR, OTTO, PARK, Answer, Site, park
from tests.integration.billing.tariffs import hourly, in_force

CONCESSIONS: list[dict[str, Any]] = [
    {"id": "staff", "name": {"zh": "员工", "en": "staff"}, "kind": "permit", "exempt": True},
    {"id": "monthly", "name": {"zh": "月卡", "en": "monthly pass"}, "kind": "pass", "exempt": True},
    {"id": "shop", "name": {"zh": "商户", "en": "shop"}, "kind": "validation", "free_min": 120, "uses_max": 2},
    {"id": "voucher", "name": {"zh": "停车券", "en": "voucher"}, "kind": "coupon", "amount_off": 500},
]
TARIFF = hourly(3, concessions=CONCESSIONS)


async def permit(site: Site, *, who: str = MIRA, **changes: Any) -> Answer:
    body = {"car_parks": [PARK], "vehicles": [CAR], "concession": "monthly", "holder": "Wang Li", **changes}
    return await site.post("/v1/operator/permits", body, who=who)


async def coupon(site: Site, *, who: str = MIRA, **changes: Any) -> Answer:
    body = {"car_parks": [PARK], "concession": "voucher", "issuer": "Joyful Books", **changes}
    return await site.post("/v1/operator/coupons", body, who=who)


async def stay(site: Site, begins: float = -60, /, **changes: Any) -> str:
    """An open stay of CAR, so many minutes from now, priced by the tariff in force."""
    (tariff,) = await site.rows("SELECT id FROM billing.tariff ORDER BY number DESC LIMIT 1")
    entered = site.clock.now() + timedelta(minutes=begins)
    session = new_id("ses", entered)
    row = {
        "id": session,
        "car_park": PARK,
        "operator": MIRA,
        **CAR,
        "driver": ANN,
        "state": "open",
        "entry_passage": f"in-{session}",
        "entry_at": entered,
        "tariff": tariff["id"],
        "created_at": entered,
        "updated_at": entered,
        **changes,
    }
    marks = ", ".join(f"${place}" for place in range(1, len(row) + 1))
    async with site.database.transaction() as tx:
        await tx.execute(f"INSERT INTO billing.session ({', '.join(row)}) VALUES ({marks})", *row.values())
    return session


async def rated(site: Site, session: str) -> tuple[int, list[str]]:
    """The fee of leaving now, and what was used for it: what the rating of a session does in its transaction."""
    async with site.database.transaction() as tx:
        await tx.execute("UPDATE billing.session SET exit_at = $2, state = 'exited' WHERE id = $1", session, tx.now)
        row = await tx.fetchrow("SELECT * FROM billing.session WHERE id = $1", session)
        assert row is not None
        held = await held_by(tx, row)
        used = await mark_used(tx, row, held, lambda some: _total(row, some))
        return _total(row, held), [one.source for one in used]


def _total(row: Row, held: Sequence[Held]) -> int:
    return rate(read_tariff(TARIFF), row["entry_at"], row["exit_at"], held=held).total


async def shown(site: Site, session: str) -> list[HeldFrom]:
    async with site.database.transaction() as tx:
        row = await tx.fetchrow("SELECT * FROM billing.session WHERE id = $1", session)
        assert row is not None
        return await held_by(tx, row)


@pytest.fixture
async def lot(site: Site) -> Site:
    """With a tariff that knows concessions."""
    await in_force(site, {**TARIFF, "valid_from": site.at(-1440 * 60)})
    return site


async def test_a_monthly_pass_covers_its_vehicle_while_it_is_valid(lot: Site) -> None:
    made = await permit(lot, **{"from": lot.at(-1440), "until": lot.at(1440)})
    assert made.status == 201, made.raw
    told = made.json
    assert (told["status"], told["vehicles"], told["uses"]) == ("valid", [CAR], 0)
    assert await rated(lot, await stay(lot)) == (0, [told["id"]])
    assert await rated(lot, await stay(lot, **OTHER_CAR)) == (300, [])
    lot.clock.advance(86_400)
    assert (await rated(lot, await stay(lot)))[0] == 0, "until its last hour"
    lot.clock.advance(3_600)
    assert await rated(lot, await stay(lot, -30)) == (300, [])
    listed = (await lot.get("/v1/operator/permits", who=MIRA, params={"plate": CAR["plate"]})).json["items"]
    assert [(one["id"], one["status"], one["uses"]) for one in listed] == [(told["id"], "over", 2)]
    assert (await lot.get("/v1/operator/permits", who=MIRA, params={"plate": OTHER_CAR["plate"]})).json["items"] == []


async def test_a_pass_covers_its_part_of_a_stay(lot: Site) -> None:
    await permit(lot, **{"from": lot.at(-60)})
    total, _ = await rated(lot, await stay(lot, -180))
    assert total == 600, "two hours before it began"


async def test_a_permit_that_is_ended_covers_what_was_before(lot: Site) -> None:
    made = (await permit(lot, **{"from": lot.at(-600)})).json
    session = await stay(lot, -120)
    assert (await lot.ask("DELETE", f"/v1/operator/permits/{made['id']}", who=MIRA)).status == 204
    lot.clock.advance(3_600)
    assert (await rated(lot, session))[0] == 300, "the hour after it ended"
    assert (await lot.get(f"/v1/operator/permits/{made['id']}", who=MIRA)).json["status"] == "ended"
    trail = await lot.rows(
        "SELECT action FROM registry.audit WHERE subject = $1 ORDER BY number", f"permit/{made['id']}"
    )
    assert [row["action"] for row in trail] == ["permit.issue", "permit.end"]


async def test_two_vehicles_share_one_space(lot: Site) -> None:
    made = (await permit(lot, vehicles=[CAR, OTHER_CAR], spaces=1, **{"from": lot.at(-600)})).json
    first = await stay(lot, -120)
    second = await stay(lot, -60, **OTHER_CAR)
    assert await rated(lot, second) == (300, [])
    assert await rated(lot, first) == (0, [made["id"]])
    assert (await rated(lot, await stay(lot, 0, **OTHER_CAR)))[1] == []
    lot.clock.advance(3_600)
    assert await rated(lot, await stay(lot, -60, **OTHER_CAR)) == (0, [made["id"]])


async def test_a_card_of_ten_stays_is_used_up_and_a_stay_that_is_void_gives_its_use_back(lot: Site) -> None:
    made = (await permit(lot, uses_max=1)).json
    first = await stay(lot)
    for _ in range(2):
        assert (await rated(lot, first))[1] == [], "it covers from now on only"
    lot.clock.advance(3_600)
    second, third = await stay(lot), await stay(lot, -59)
    for _ in range(2):
        assert await rated(lot, second) == (0, [made["id"]]), "rated again it uses the same"
    assert await rated(lot, third) == (300, [])
    async with lot.database.transaction() as tx:
        await tx.execute("UPDATE billing.session SET state = 'voided' WHERE id = $1", second)
    assert await rated(lot, third) == (0, [made["id"]])


async def test_a_corrected_stay_takes_over_what_was_shown(lot: Site) -> None:
    made = (await coupon(lot, code="AB12")).json
    wrong = await stay(lot)
    assert (await lot.post(f"/v1/sessions/{wrong}/coupons", {"code": "ab-12"})).status == 200
    assert await rated(lot, wrong) == (0, [made["id"]])
    async with lot.database.transaction() as tx:
        await tx.execute("UPDATE billing.session SET state = 'corrected' WHERE id = $1", wrong)
    free = await stay(lot, 0, supersedes=wrong)
    assert await rated(lot, free) == (0, []), "as if he had left at once"
    async with lot.database.transaction() as tx:
        await tx.execute("UPDATE billing.session SET state = 'corrected' WHERE id = $1", free)
    right = await stay(lot, -180, supersedes=free)
    assert await rated(lot, right) == (400, [made["id"]])
    other = await stay(lot)
    assert (await lot.post(f"/v1/sessions/{other}/coupons", {"code": "AB12"})).json["code"] == "coupon-not-good"


async def test_a_shop_validates_by_plate(lot: Site) -> None:
    made = await coupon(lot, concession="shop", vehicle=CAR, minutes=60)
    assert made.status == 201, made.raw
    assert (made.json["code"], made.json["vehicle"], made.json["minutes"]) == (None, CAR, 60)
    session = await stay(lot, -120)
    assert await rated(lot, await stay(lot, **OTHER_CAR)) == (300, [])
    assert await rated(lot, session) == (300, [made.json["id"]])
    assert await rated(lot, await stay(lot, -119)) == (600, []), "one stay only"


async def test_a_code_is_put_on_ones_own_open_stay(lot: Site) -> None:
    made = (await coupon(lot, uses_max=1)).json
    session = await stay(lot)
    path, body = f"/v1/sessions/{session}/coupons", {"code": made["code"].lower()}
    assert (await lot.post(path, body, who=BEN)).json["code"] == "unknown-session"
    assert (await lot.post(path, {"code": "NOSUCHCODE"})).json["code"] == "coupon-not-good"
    answer = await lot.post(path, body)
    assert answer.status == 200, answer.raw
    assert answer.json["name"] == {"zh": "停车券", "en": "voucher"}
    assert (await lot.post(path, body)).status == 200, "it is there already"
    second = await stay(lot, -59)
    assert (await lot.post(f"/v1/sessions/{second}/coupons", body)).json["code"] == "coupon-not-good"
    listed = (await lot.get(path)).json["items"]
    assert [(one["coupon"], one["issuer"], one["needed"]) for one in listed] == [(made["id"], "Joyful Books", True)]
    assert (await lot.get(path, who=BEN)).json["code"] == "unknown-session"
    assert (await lot.get(f"/v1/sessions/{second}/coupons")).json["items"] == []
    for status in (204, 404):
        assert (await lot.ask("DELETE", f"{path}/{made['id']}")).status == status
    assert (await lot.post(f"/v1/sessions/{second}/coupons", body)).status == 200, "it is there for another stay"
    assert (await lot.ask("DELETE", f"/v1/sessions/{second}/coupons/{made['id']}", who=BEN)).status == 404
    assert (await lot.ask("DELETE", f"/v1/sessions/{second}/coupons/{made['id']}")).status == 204
    assert (await lot.post(path, body)).status == 200
    assert await rated(lot, session) == (0, [made["id"]])
    assert (await lot.ask("DELETE", f"{path}/{made['id']}")).json["code"] == "wrong-state"
    assert (await lot.post(path, body)).json["code"] == "wrong-state"
    assert (await lot.get(f"/v1/operator/coupons/{made['id']}", who=MIRA)).json["uses"] == 1


async def test_of_many_at_once_one_gets_the_coupon(lot: Site) -> None:
    made = (await coupon(lot)).json
    stays = [await stay(lot, -60 - number) for number in range(5)]
    answers = await asyncio.gather(*(lot.post(f"/v1/sessions/{one}/coupons", {"code": made["code"]}) for one in stays))
    assert sorted(answer.status for answer in answers) == [200, 409, 409, 409, 409]


async def test_a_coupon_that_is_not_needed_is_kept(lot: Site) -> None:
    made = (await coupon(lot)).json
    await permit(lot, **{"from": lot.at(-600)})
    free = await stay(lot)
    assert (await lot.post(f"/v1/sessions/{free}/coupons", {"code": made["code"]})).status == 200
    total, used = await rated(lot, free)
    assert (total, made["id"] in used) == (0, False)
    other = await stay(lot, **OTHER_CAR)
    assert (await lot.post(f"/v1/sessions/{other}/coupons", {"code": made["code"]})).status == 200
    assert await rated(lot, other) == (0, [made["id"]])


async def test_a_quote_takes_codes_and_uses_none(lot: Site) -> None:
    made = (await coupon(lot)).json
    body = {"car_park": PARK, "from": lot.at(0), "until": lot.at(180), "coupons": [made["code"]]}
    for _ in range(2):
        told = (await lot.ask("POST", "/v1/quotes", json=body, who=None)).json
        assert (told["total"]["amount"], told["lines"][-1]["kind"]) == (400, "amount_off")
    lot.clock.advance(90_000)
    later = {**body, "from": lot.at(0), "until": lot.at(180)}
    assert (await lot.ask("POST", "/v1/quotes", json=later, who=None)).json["code"] == "coupon-not-good"


async def test_what_no_tariff_knows_is_not_issued(lot: Site) -> None:
    wrong = await permit(lot, concession="voucher")
    assert (wrong.status, wrong.json["code"], wrong.json["concessions"]) == (
        409,
        "no-such-concession",
        ["monthly", "staff"],
    )
    assert (await coupon(lot, concession="staff")).json["concessions"] == ["shop", "voucher"]
    assert (await permit(lot, who=OTTO)).json["code"] == "unknown-car-park"
    assert (await permit(lot, car_parks=[PARK, "nowhere"])).json["code"] == "unknown-car-park"
    assert (await lot.put("/v1/operator/car-parks/ot-1", park(operator=OTTO))).status == 201
    both = await permit(lot, who=CITY, car_parks=[PARK, "ot-1"])
    assert (both.status, both.json["errors"][0]["field"]) == (422, "car_parks")
    assert (await coupon(lot, code="X1Y2", vehicle=CAR)).status == 422
    assert (await coupon(lot, code="X1Y2")).status == 201
    assert (await coupon(lot, code="x1-y2")).json["code"] == "code-taken"
    assert (await permit(lot, **{"from": lot.at(5), "until": lot.at(5)})).status == 422
    assert (await permit(lot, until=lot.at(-5))).status == 422
    assert (await coupon(lot, until=lot.at(-5))).status == 422


async def test_nobody_else_sees_them(lot: Site) -> None:
    one, other = (await permit(lot)).json, (await coupon(lot)).json
    for path in (f"/v1/operator/permits/{one['id']}", f"/v1/operator/coupons/{other['id']}"):
        assert (await lot.get(path, who=MIRA)).status == 200
        assert (await lot.get(path, who=OTTO)).status == 404
        assert (await lot.ask("DELETE", path, who=OTTO)).status == 404
        assert (await lot.get(path, who=ANN)).status == 403
    assert (await lot.get("/v1/operator/coupons", who=OTTO)).json["items"] == []
    assert (await lot.ask("DELETE", f"/v1/operator/coupons/{other['id']}", who=MIRA)).status == 204
    session = await stay(lot)
    ended = await lot.post(f"/v1/sessions/{session}/coupons", {"code": other["code"]})
    assert ended.json["code"] == "coupon-not-good"


async def test_a_stay_whose_tariff_does_not_know_it_shows_nothing(lot: Site) -> None:
    await permit(lot, **{"from": lot.at(-600)})
    await coupon(lot, vehicle=CAR)
    assert len(await shown(lot, await stay(lot))) == 2
    await in_force(lot, hourly(4))
    assert await shown(lot, await stay(lot, 0)) == []
    assert await shown(lot, await stay(lot, 0, tariff=None)) == []
    assert await shown(lot, await stay(lot, 0, plate=None, color=None, ticket="T1")) == []
