"""The worked example of docs/sharing.md is what the service does."""

import re
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import orjson

from tests.integration.reservation.conftest import MIRA, PARK, Site, moment
from tests.integration.reservation.test_sharing import OLGA, guest_inside, left

PAGE = (Path(__file__).parents[3] / "docs" / "sharing.md").read_text()
SHENYANG = ZoneInfo("Asia/Shanghai")


def cells(first: str) -> list[list[str]]:
    """The rows of the table whose head begins with `first`."""
    table = PAGE[PAGE.index(first) :].split("\n\n", 1)[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]


def fen(label: str) -> int:
    [found] = [int(row[1]) for row in cells("| | fen |") if row[0].startswith(label)]
    return found


async def test_the_worked_example(site: Site) -> None:
    [block] = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    body = orjson.loads(block)
    assert body["car_park"] == PARK
    proposed = await site.post("/v1/listings", body, who=OLGA)
    assert proposed.status == 201, proposed.raw
    path = f"/v1/listings/{proposed.json['id']}"
    approved = await site.post(f"/v1/operator{path.removeprefix('/v1')}/approve", {"reason": "seen"}, who=MIRA)
    assert approved.status == 200, approved.raw

    shown = await site.get(f"{path}/calendar", who=OLGA, params={"until": "2026-11-29T00:00:00Z"})
    local = [
        [f"{moment(one[end]).astimezone(SHENYANG):%Y-%m-%d %H:%M}" for end in ("from", "until")]
        for one in shown.json["windows"]
    ]
    assert local == cells("| from | until |")

    stay = await guest_inside(site, begins=60, until=160)
    site.clock.advance(190 * 60)
    shown = await site.get(f"{path}/calendar", who=OLGA)
    [guest] = shown.json["promises"]
    assert (guest["overstaying"], guest["overstay_fee"]["amount"]) == (True, fen("fee"))
    await left(site, stay, fee=fen("fee"))
    earned = (await site.get(f"{path}/earnings", who=OLGA)).json
    [item] = earned["items"]
    assert (item["price"]["amount"], item["fee"]["amount"]) == (fen("price"), fen("fee"))
    assert earned["held"]["total"]["amount"] == fen("together")
    for part in ("owner", "operator", "platform"):
        assert item[part]["amount"] == fen(part), part
    assert moment(item["available_at"]) == site.clock.now() + timedelta(hours=48)
