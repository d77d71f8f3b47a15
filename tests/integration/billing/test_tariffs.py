"""Tariffs over REST: versions, what is refused and why, trying one on, and what other formats make of it."""

from datetime import timedelta
from typing import Any

from billing.http.tariff_views import EXAMPLE
from kernel.ids import new_id
from tests.integration.billing.conftest import ANN, CAR, CITY, MIRA, OTTO, PARK, Answer, Site
from tests.integration.billing.tariffs import hourly, in_force

TARIFFS = f"/v1/operator/car-parks/{PARK}/tariffs"


async def ask(site: Site, method: str, path: str, **more: Any) -> Answer:
    """As the car park's operator."""
    return await site.ask(method, path, who=MIRA, **more)


async def get(site: Site, path: str, **more: Any) -> Answer:
    return await ask(site, "GET", path, **more)


async def post(site: Site, path: str, body: Any, **more: Any) -> Answer:
    return await site.post(path, body, who=MIRA, **more)


async def quoted(site: Site, minutes: float = 61, **changes: Any) -> Any:
    """What a stay from now on costs, for whoever asks."""
    body = {"car_park": PARK, "class": "small", "from": site.at(0), "until": site.at(minutes), **changes}
    return await site.ask("POST", "/v1/quotes", json=body, who=None)


async def test_a_version_is_in_force_from_now_on_and_the_next_one_from_its_day(site: Site) -> None:
    first = await in_force(site, hourly(3))
    assert (first["number"], first["status"], first["zone"]) == (1, "in_force", None)
    assert first["tariff"]["time_zone"] == "Asia/Shanghai"

    second = await in_force(site, hourly(5, valid_from=site.at(60)))
    assert (second["number"], second["status"]) == (2, "to_come")
    assert (await quoted(site)).json["total"] == {"amount": 600, "currency": "CNY"}

    site.clock.advance(3600)
    assert (await quoted(site)).json["total"]["amount"] == 1000
    listed = (await get(site, TARIFFS)).json["items"]
    assert [(one["number"], one["status"]) for one in listed] == [(2, "in_force"), (1, "over")]
    assert (await get(site, f"{TARIFFS}/{first['id']}")).json["status"] == "over"

    (told,) = await site.rows("SELECT * FROM registry.audit WHERE action = 'tariff.set' AND detail ->> 'number' = '2'")
    assert (told["operator"], told["subject"]) == (MIRA, f"car-park/{PARK}")


async def test_the_example_of_the_description_is_taken(site: Site) -> None:
    assert (await in_force(site, EXAMPLE))["status"] == "in_force"
    assert (await quoted(site, 100)).json["total"]["amount"] == 900
    assert (await ask(site, "POST", f"{TARIFFS}/dry-run", json={"tariff": EXAMPLE})).status == 200


async def test_a_version_with_an_end_goes_before_the_others_while_it_lasts(site: Site) -> None:
    await in_force(site, hourly(3))
    await in_force(site, hourly(9, valid_from=site.at(60), valid_until=site.at(120)))
    await in_force(site, hourly(4, valid_from=site.at(30)))
    prices = []
    for _ in range(5):
        prices.append((await quoted(site, 1)).json["total"]["amount"])
        site.clock.advance(30 * 60)
    assert prices == [300, 400, 900, 900, 400]


async def test_nothing_reaches_back_but_the_first_version(site: Site) -> None:
    await in_force(site, hourly(3, valid_from=site.at(-1440)))
    refused = await post(site, TARIFFS, hourly(4, valid_from=site.at(-1)))
    assert (refused.status, refused.json["code"]) == (409, "tariff-backdated")


async def test_what_is_wrong_is_named_field_by_field(site: Site) -> None:
    wrong = hourly(3, plans=[{"id": "all", "charge": {"kind": "units", "steps": [{"amount": 3.5, "unit_min": 0}]}}])
    refused = await post(site, TARIFFS, wrong)
    assert (refused.status, refused.json["code"]) == (422, "malformed-body")
    told = {one["field"]: one["message"] for one in refused.json["errors"]}
    assert set(told) == {"plans.0.charge.steps.0.amount", "plans.0.charge.steps.0.unit_min"}
    assert "fen" in told["plans.0.charge.steps.0.amount"]

    unfit: list[tuple[dict[str, Any], str]] = [
        ({"currency": "EUR"}, "currency"),
        ({"minor_digits": 0}, "minor_digits"),
        ({"time_zone": "Asia/Tokyo"}, "time_zone"),
        ({"valid_from": "9999-12-31T23:59:59-12:00"}, "valid_from"),
        ({"valid_until": site.at(-1)}, "valid_until"),
        ({"prices": 3}, "prices"),
    ]
    for changes, field in unfit:
        refused = await post(site, TARIFFS, hourly(3, **changes))
        assert refused.status == 422, refused.raw
        assert [one["field"] for one in refused.json["errors"]] == [field]
    assert await site.rows("SELECT FROM billing.tariff") == []


async def test_only_ones_own_car_parks_and_zones_that_there_are(site: Site) -> None:
    assert (await site.post(TARIFFS, hourly(), who=OTTO)).status == 404
    assert (await site.post(TARIFFS, hourly(), who=ANN)).status == 403
    assert (await post(site, TARIFFS, hourly(), params={"zone": "B9"})).json["code"] == "unknown-zone"
    made = await in_force(site, hourly(), who=CITY)
    assert (await site.get(f"{TARIFFS}/{made['id']}", who=OTTO)).status == 404
    elsewhere = f"/v1/operator/car-parks/sy-2/tariffs/{made['id']}"
    assert (await site.get(elsewhere, who=CITY)).json["code"] == "unknown-car-park"


async def test_a_zone_has_prices_of_its_own_or_those_of_its_car_park(site: Site) -> None:
    await in_force(site, hourly(3))
    assert (await quoted(site, zone="B1")).json["total"]["amount"] == 600
    await in_force(site, hourly(8), zone="B1")
    there, outside = (await quoted(site, zone="B1")).json, (await quoted(site)).json
    assert (there["zone"], there["total"]["amount"]) == ("B1", 1600)
    assert (outside["zone"], outside["total"]["amount"]) == (None, 600)
    listed = (await get(site, TARIFFS, params={"zone": "B1"})).json["items"]
    assert [(one["zone"], one["number"]) for one in listed] == [("B1", 1)]


async def test_what_is_to_come_can_be_withdrawn_what_is_in_force_cannot(site: Site) -> None:
    standing = await in_force(site, hourly(3))
    coming = await in_force(site, hourly(9, valid_from=site.at(60)))
    for _ in range(2):
        assert (await ask(site, "DELETE", f"{TARIFFS}/{coming['id']}")).status == 204
    assert (await ask(site, "DELETE", f"{TARIFFS}/{standing['id']}")).json["code"] == "tariff-begun"
    site.clock.advance(7200)
    assert (await quoted(site)).json["tariff"] == standing["id"]
    assert (await get(site, f"{TARIFFS}/{coming['id']}")).json["status"] == "withdrawn"
    assert (await site.get(f"/v1/tariffs/{coming['id']}", who=None)).json["code"] == "unknown-tariff"
    assert len(await site.rows("SELECT FROM registry.audit WHERE action = 'tariff.withdraw'")) == 1


async def test_saying_the_same_again_changes_nothing(site: Site) -> None:
    path = f"/v1/operator/car-parks/{PARK}/tariff"
    assert (await site.put(path, hourly(3))).status == 201
    assert (await quoted(site)).status == 200
    again = await site.put(path, hourly(3))
    assert (again.status, again.json["number"]) == (200, 1)
    assert (await site.put(path, hourly(4))).json["number"] == 2


async def test_a_request_sent_twice_makes_one_version(site: Site) -> None:
    answers = [await post(site, TARIFFS, hourly(3), key="k1") for _ in range(2)]
    assert answers[0].raw == answers[1].raw
    assert len(await site.rows("SELECT FROM billing.tariff")) == 1


async def test_everybody_reads_what_a_car_park_charges(site: Site) -> None:
    path = f"/v1/car-parks/{PARK}/tariff"
    assert (await site.get(path, who=None)).json["code"] == "no-tariff"
    assert (await site.get("/v1/car-parks/nowhere/tariff", who=None)).json["code"] == "unknown-car-park"
    made = await in_force(site, hourly(3, valid_from=site.at(60)))
    assert (await site.get(path, who=None)).json["code"] == "no-tariff"
    told = (await site.get(path, who=None, params={"at": site.at(61)})).json
    assert (told["id"], told["tariff"]["plans"]) == (made["id"], hourly(3)["plans"])
    assert told["in_short"] == {"zh": "每小时3元", "en": "3 yuan an hour"}
    assert "created_by" not in told
    schema = await site.get("/v1/tariff-schema", who=None)
    assert schema.headers["Content-Type"] == "application/schema+json"
    assert schema.json["properties"]["plans"]["title"] == "plans"


async def test_a_dry_run_over_past_stays_says_who_would_pay_more(site: Site) -> None:
    made = await in_force(site, hourly(3, valid_from=site.at(-1440)))
    for number, hours in enumerate((1, 2, 5)):
        await past_stay(site, made["id"], number, hours=hours, amount=300 * hours)
    cheaper_long = {
        "name": {"zh": "新", "en": "new"},
        "plans": [
            {
                "id": "all",
                "charge": {"kind": "units", "steps": [{"amount": 500, "unit_min": 60}]},
                "caps": [{"per": "hours", "hours": 24, "amounts": [1000]}],
            }
        ],
    }
    answer = await ask(site, "POST", f"{TARIFFS}/dry-run", json={"tariff": cheaper_long})
    assert answer.status == 200, answer.raw
    run = answer.json
    assert (run["stays"], run["was"]["amount"], run["would_be"]["amount"]) == (3, 2400, 2500)
    assert (run["dearer"], run["cheaper"], run["unpriced"], run["complete"]) == (2, 1, [], True)
    assert run["largest"][0]["was"]["amount"] == 1500
    assert len(await site.rows("SELECT FROM billing.tariff")) == 1, "nothing is put in force"

    during = {"from": site.at(-60 * 24 * 40), "until": site.at(-60 * 24 * 35)}
    nobody = await ask(site, "POST", f"{TARIFFS}/dry-run", json={"tariff": cheaper_long, **during})
    assert nobody.json["stays"] == 0
    stays = [
        {"from": site.at(0), "until": site.at(90), "charged": 600},
        {"from": site.at(0), "until": site.at(-90), "class": "large"},
    ]
    made_up = await ask(site, "POST", f"{TARIFFS}/dry-run", json={"tariff": cheaper_long, "stays": stays})
    assert (made_up.json["would_be"]["amount"], made_up.json["unpriced"]) == (1000, ["stays.1"])

    wrong = await ask(site, "POST", f"{TARIFFS}/dry-run", json={"tariff": {"name": {"zh": "新", "en": "new"}}})
    assert [one["field"] for one in wrong.json["errors"]] == ["tariff.plans"]
    both = await ask(site, "POST", f"{TARIFFS}/dry-run", json={"tariff": cheaper_long, "stays": [], **during})
    assert both.status == 422
    assert (await site.ask("POST", f"{TARIFFS}/dry-run", json={"tariff": cheaper_long}, who=OTTO)).status == 404


async def test_a_dry_run_leaves_out_what_was_billed_otherwise_and_shows_what_was_shown(site: Site) -> None:
    monthly = {"id": "monthly", "name": {"zh": "月卡", "en": "monthly"}, "kind": "pass", "exempt": True}
    made = await in_force(site, hourly(3, valid_from=site.at(-1440), concessions=[monthly]))
    await past_stay(site, made["id"], 1, hours=2, amount=0, fee={"billed_by": "reservation"}, reservation="rsv_1")
    covered = await past_stay(site, made["id"], 2, hours=3, amount=0)
    apart = await past_stay(site, made["id"], 3, hours=3, amount=300, fee={"apart_s": 7200})
    async with site.database.transaction() as tx:
        permit = ("per_1", MIRA, [PARK], "monthly", "Wang Li", tx.now - timedelta(days=1), tx.now, "test")
        await tx.execute(
            "INSERT INTO billing.permit"
            " (id, operator, car_parks, concession, holder, valid_from, created_at, created_by)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            *permit,
        )
        await tx.execute("INSERT INTO billing.permit_use VALUES ('per_1', $1, $2)", covered, tx.now)
    same = await ask(site, "POST", f"{TARIFFS}/dry-run", json={"tariff": hourly(3, concessions=[monthly])})
    assert (same.json["stays"], same.json["was"], same.json["largest"]) == (2, same.json["would_be"], [])
    without = await ask(site, "POST", f"{TARIFFS}/dry-run", json={"tariff": hourly(4)})
    assert (without.json["unpriced"], without.json["would_be"]["amount"]) == ([covered], 400)
    assert [one["id"] for one in without.json["largest"]] == [apart]


async def test_exports_list_what_does_not_fit(site: Site) -> None:
    made = await in_force(site, hourly(3, choose="cheapest"))
    rule = (await get(site, f"{TARIFFS}/{made['id']}/charging-rule")).json
    assert rule["charging_rule"]["rule_type"] == "CHARGING_RULE_FIXED_INTERVAL"
    policy = f"/v1/operator/car-parks/{PARK}/billing-policy"
    assert (await site.put(policy, {"exit_window_s": 1200})).status == 200
    told = (await get(site, f"{TARIFFS}/{made['id']}/charging-rule")).json["charging_rule"]
    assert told["free_exit_duration"] == 20
    tables = (await get(site, f"{TARIFFS}/{made['id']}/apds")).json
    assert tables["rate_tables"][0]["id"] == f"{made['id']}-all"
    assert isinstance(rule["unsaid"], list)
    assert isinstance(tables["unsaid"], list)


async def past_stay(site: Site, tariff: str, number: int, *, hours: float, amount: int, **changes: Any) -> str:
    """A stay that ended an hour ago and was charged."""
    ended = site.clock.now() - timedelta(hours=1)
    row = {
        "id": new_id("ses", ended),
        "car_park": PARK,
        "operator": MIRA,
        **CAR,
        "state": "closed",
        "entry_passage": f"in-{number}",
        "entry_at": ended - timedelta(hours=hours),
        "exit_passage": f"out-{number}",
        "exit_at": ended,
        "tariff": tariff,
        "fee": {},
        "amount": amount,
        "created_at": ended,
        "updated_at": ended,
        **changes,
    }
    marks = ", ".join(f"${place}" for place in range(1, len(row) + 1))
    async with site.database.transaction() as tx:
        await tx.execute(f"INSERT INTO billing.session ({', '.join(row)}) VALUES ({marks})", *row.values())
    return str(row["id"])
