"""Settlements over REST: for whom they are, to the fen, on paper and audited."""

import csv
import io
from datetime import date
from typing import Any, cast

import pytest
from prometheus_client import CollectorRegistry

from billing.channels.protocol import PaymentChannel
from billing.settle_all import settle_all
from billing.settlement_meters import SettlementMeters
from kernel.db import Row, Tx
from tests.integration.billing.billed_city import Bills
from tests.integration.billing.conftest import ANN, CITY, MIRA, OTTO, PARK, Site
from tests.integration.billing.day_of_money import CITY as ZONE
from tests.integration.billing.day_of_money import Money, line

MONDAY = date(2026, 11, 23)
DAY_S = 24 * 3600


class Books:
    """The site, its money and a channel's bills."""

    def __init__(self, site: Site) -> None:
        self.site, self.money, self.bills = site, Money(site.database), Bills()
        self.meters = SettlementMeters(CollectorRegistry())

    async def next_day(self) -> None:
        self.site.clock.advance(DAY_S)
        await self.run()

    async def run(self) -> None:
        async def on_paid(_tx: Tx, _charge: Row) -> None:
            """Nobody waits."""

        channels = cast(list[PaymentChannel], [self.bills])
        await settle_all(self.site.database, ZONE, channels, on_paid=on_paid, meters=self.meters)

    async def paid(self, amount: int, **changes: Any) -> tuple[str, str]:
        charge, payment = await self.money.paid(amount, car_park=PARK, **changes)
        self.bills.add(line(payment, amount, fee=6, at=self.site.clock.now()))
        return charge, payment

    async def listed(self, who: str, query: str = "") -> list[dict[str, Any]]:
        answer = await self.site.get(f"/v1/operator/settlements{query}", who=who)
        assert answer.status == 200, answer.raw
        items: list[dict[str, Any]] = answer.json["items"]
        return items


@pytest.fixture
async def books(site: Site) -> Books:
    return Books(site)


async def test_a_day_is_read_back_to_the_fen(books: Books) -> None:
    site = books.site
    charge, payment = await books.paid(1_000)
    await books.paid(999, owner=ANN, owner_share_bp=7_000)
    refund = await books.money.give_back(charge, payment, 300)
    books.bills.add(line(payment, 300, fee=-1, at=site.clock.now(), refund=refund))
    await books.money.settle()
    (today,) = await books.listed(MIRA)
    assert (today["state"], today["day"], today["figures"]["gross"]["amount"]) == ("open", "2026-11-23", 1_999)
    assert (today["figures"]["owners"]["amount"], today["figures"]["net"]["amount"]) == (0, 1_699)
    await books.next_day()
    (day,) = await books.listed(MIRA, "?operator=mira&from=2026-11-23&until=2026-11-24&state=reconciled")
    figures = {name: value if isinstance(value, int) else value["amount"] for name, value in day["figures"].items()}
    assert figures == {
        "payments": 2,
        "refunds": 1,
        "gross": 1_999,
        "refunded": 300,
        "owners": 699,
        "platform": 35 + 50,
        "fees": 11,
        "losses": 0,
        "net": 1_999 - 300 - 699 - 85 - 11,
    }
    assert (day["from"], day["until"]) == ("2026-11-22T16:00:00.000Z", "2026-11-23T16:00:00.000Z")
    whole = (await site.get(f"/v1/operator/settlements/{day['id']}", who=MIRA)).json
    assert [(one["car_park"], one["channel"], one["net"]["amount"]) for one in whole["places"]] == [
        (PARK, "wechat", figures["net"])
    ]
    paid = await site.post(f"/v1/operator/settlements/{day['id']}/pay-out", who=CITY)
    assert (paid.status, paid.json["state"], paid.json["paid"]["amount"]) == (200, "paid_out", figures["net"])
    (trail,) = await site.rows("SELECT * FROM registry.audit WHERE action = 'settlement.pay-out'")
    assert (trail["operator"], trail["detail"]) == (MIRA, {"day": "2026-11-23", "paid": figures["net"]})
    again = await site.post(f"/v1/operator/settlements/{day['id']}/pay-out", who=CITY)
    assert (again.status, again.json["code"]) == (409, "wrong-state")


async def test_what_is_another_operators_is_not_there(books: Books) -> None:
    site = books.site
    await books.money.paid(1_000, car_park=PARK)
    await books.next_day()
    (day,) = await books.listed(CITY)
    path = f"/v1/operator/settlements/{day['id']}"
    assert await books.listed(OTTO) == []
    for page in ("", "/statement.csv", "/statement.html", "/differences"):
        answer = await site.get(path + page, who=OTTO)
        assert (answer.status, answer.json["code"]) == (404, "unknown-settlement")
    assert (await site.get("/v1/operator/settlements?operator=mira", who=OTTO)).status == 404
    assert (await site.get("/v1/operator/differences?operator=mira", who=OTTO)).status == 404
    assert (await site.get("/v1/operator/differences", who=OTTO)).json["items"] == []
    (difference,) = (await site.get(f"{path}/differences", who=MIRA)).json["items"]
    body = {"way": "loss", "reason": "mine now"}
    answer = await site.post(f"/v1/operator/differences/{difference['id']}/resolve", body, who=OTTO)
    assert (answer.status, answer.json["code"]) == (404, "unknown-difference")
    for verb in ("hold", "release", "pay-out"):
        answer = await site.post(f"{path}/{verb}", None if verb == "pay-out" else {"reason": "x"}, who=OTTO)
        assert answer.status == 404, verb
    assert (await site.get("/v1/operator/settlements", who=ANN)).status == 403
    assert (await site.get("/v1/operator/settlements", who=None)).status == 401


async def test_an_operator_does_not_pay_itself_nor_release_what_the_city_holds(books: Books) -> None:
    site = books.site
    await books.paid(1_000)
    await books.next_day()
    (day,) = await books.listed(MIRA)
    path = f"/v1/operator/settlements/{day['id']}"
    answer = await site.post(f"{path}/pay-out", who=MIRA)
    assert (answer.status, answer.json["code"]) == (403, "city-wide")
    held = await site.post(f"{path}/hold", {"reason": "a complaint"}, who=CITY)
    assert (held.json["state"], held.json["reason"]) == ("held", "a complaint")
    answer = await site.post(f"{path}/release", {"reason": "ours"}, who=MIRA)
    assert (answer.status, answer.json["code"]) == (403, "city-wide")
    assert (await site.post(f"{path}/pay-out", who=CITY)).json["code"] == "wrong-state"
    assert (await site.post(f"{path}/release", {"reason": "nothing"}, who=CITY)).json["state"] == "reconciled"
    assert (await site.post(f"{path}/hold", {"reason": "our own"}, who=MIRA)).json["state"] == "held"
    assert (await site.post(f"{path}/release", {"reason": "done"}, who=MIRA)).json["state"] == "reconciled"
    assert (await site.post(f"{path}/hold", {"reason": ""}, who=MIRA)).status == 422


async def test_a_difference_is_resolved_with_a_reason(books: Books) -> None:
    site = books.site
    _, payment = await books.money.paid(1_000, car_park=PARK)
    await books.next_day()
    (day,) = await books.listed(MIRA)
    assert day["state"] == "frozen"
    path = f"/v1/operator/settlements/{day['id']}/differences"
    (found,) = (await site.get(f"{path}?state=open", who=MIRA)).json["items"]
    assert (found["kind"], found["number"], found["payment"], found["ours"]["amount"], found["theirs"]) == (
        "missing_there",
        payment,
        payment,
        1_000,
        None,
    )
    assert (found["ways"], found["operators"], found["day"]) == (["loss", "suspense"], [MIRA], "2026-11-23")
    resolve = f"/v1/operator/differences/{found['id']}/resolve"
    wrong = await site.post(resolve, {"way": "refund", "reason": "x"}, who=MIRA)
    assert (wrong.status, wrong.json["code"], wrong.json["ways"]) == (409, "wrong-state", ["loss", "suspense"])
    assert (await site.post(resolve, {"way": "itself", "reason": "x"}, who=MIRA)).status == 422
    asked = await site.post(resolve, {"way": "ask_again", "reason": "perhaps"}, who=MIRA)
    assert (asked.json["state"], asked.json["asked_at"] is None) == ("open", False)
    done = await site.post(resolve, {"way": "loss", "reason": "the channel lost it"}, who=MIRA)
    assert (done.json["state"], done.json["way"], done.json["reason"]) == ("resolved", "loss", "the channel lost it")
    assert (await site.get(f"{path}?state=open", who=MIRA)).json["items"] == []
    (listed,) = (await site.get("/v1/operator/differences?state=resolved&from=2026-11-23", who=MIRA)).json["items"]
    assert listed["id"] == found["id"]
    trail = await site.rows("SELECT action FROM registry.audit WHERE subject LIKE 'difference/%' ORDER BY number")
    assert [row["action"] for row in trail] == ["difference.ask_again", "difference.loss"]


async def test_papers(books: Books) -> None:
    site = books.site
    charge, _ = await books.paid(1_234)
    evil, _ = await books.paid(1, plate=None, color=None, ticket='=cmd|"<b>"')
    await books.next_day()
    (day,) = await books.listed(MIRA)
    path = f"/v1/operator/settlements/{day['id']}/statement"
    paper = await site.get(f"{path}.csv?lang=en", who=MIRA)
    assert paper.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert paper.headers["Content-Disposition"] == 'attachment; filename="settlement-mira-2026-11-23.csv"'
    titles, *rows, total = csv.reader(io.StringIO(paper.raw.decode("utf-8-sig")))
    items = {row[0]: dict(zip(titles, row, strict=True)) for row in rows}
    assert items[charge]["Net to the operator"] == "11.66"  # 12.34 less 0.62 and 0.06
    assert items[evil]["Plate or ticket"].startswith("'=")
    assert (total[0], total[-1]) == ("Total", f"{day['figures']['net']['amount'] / 100:.2f}")
    page = await site.get(f"{path}.html", who=MIRA)
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    text = page.raw.decode()
    assert ("停车结算单" in text, "11.66" in text, "<b>" in text, "&lt;b&gt;" in text) == (True, True, False, True)
    assert (await site.get(f"{path}.html?lang=fr", who=MIRA)).status == 400


async def test_an_owner_reads_a_month(books: Books) -> None:
    site = books.site
    await books.paid(1_000, owner=ANN, owner_share_bp=7_000)
    await books.paid(500, owner="ben", owner_share_bp=7_000)
    async with site.database.transaction() as tx:
        await books.money.charge(tx, 10, owner=ANN, owner_share_bp=5_000)
    await books.next_day()
    month = (await site.get("/v1/owner-statements/2026-11", who=ANN)).json
    sums = {name: month[name]["amount"] for name in ("expected", "waiting", "available", "balance")}
    assert sums == {"expected": 5, "waiting": 700, "available": 0, "balance": 0}
    await books.next_day()
    month = (await site.get("/v1/owner-statements/2026-11", who=ANN)).json
    sums = {name: month[name]["amount"] for name in ("expected", "waiting", "available", "balance")}
    assert sums == {"expected": 5, "waiting": 0, "available": 700, "balance": 700}
    assert sorted(item["standing"] for item in month["items"]) == ["available", "expected"]
    assert (await site.get("/v1/owner-statements/2026-10", who=ANN)).json["items"] == []
    assert (await site.get("/v1/owner-statements/2026-11", who=MIRA)).json["items"] == []
    assert "7.00" in (await site.get("/v1/owner-statements/2026-11/statement.html?lang=en", who=ANN)).raw.decode()
    assert b"7.00" in (await site.get("/v1/owner-statements/2026-11/statement.csv", who=ANN)).raw
    for who, status in ((MIRA, 403), (ANN, 403), (CITY, 200)):
        assert (await site.post(f"/v1/operator/owners/{ANN}/pay-out", who=who)).status == status
    assert (await site.get("/v1/owner-statements/2026-11", who=ANN)).json["balance"]["amount"] == 0
    again = await site.post(f"/v1/operator/owners/{ANN}/pay-out", who=CITY)
    assert (again.status, again.json["code"]) == (409, "nothing-available")


async def test_days_come_in_pages(books: Books) -> None:
    for _ in range(5):
        await books.paid(100)
        await books.next_day()
    seen, cursor = [], ""
    while True:
        page = (await books.site.get(f"/v1/operator/settlements?limit=2{cursor}", who=MIRA)).json
        seen += [item["day"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == [f"2026-11-{day}" for day in (27, 26, 25, 24, 23)]


async def test_a_day_is_closed_before_its_end(books: Books) -> None:
    site = books.site
    await books.money.paid(1_000, car_park=PARK, channel="sandbox")
    await books.money.settle()
    (day,) = await books.listed(MIRA)
    path = f"/v1/operator/settlements/{day['id']}"
    assert (await site.post(f"{path}/close", {"reason": "we close"}, who=OTTO)).status == 404
    site.clock.advance(3_600)
    closed = await site.post(f"{path}/close", {"reason": "we close"}, who=MIRA)
    assert (closed.status, closed.json["until"]) == (200, "2026-11-23T01:00:00.000Z")
    (job,) = await site.rows("SELECT entrypoint FROM jobs.pgqueuer WHERE entrypoint = 'billing.settle'")
    assert job["entrypoint"] == "billing.settle"
    await books.money.paid(200, car_park=PARK, channel="sandbox")
    await books.run()
    assert (await site.post(f"{path}/close", {"reason": "again"}, who=MIRA)).json["code"] == "wrong-state"
    later, first = await books.listed(MIRA)
    assert (first["state"], first["figures"]["net"]["amount"], later["state"]) == ("reconciled", 950, "open")
    assert (later["day"], later["figures"]["gross"]["amount"]) == ("2026-11-24", 200)
    assert (later["from"], later["until"]) == (first["until"], "2026-11-24T16:00:00.000Z")
    assert (await site.post(f"{path}/pay-out", who=CITY)).json["paid"]["amount"] == 950
