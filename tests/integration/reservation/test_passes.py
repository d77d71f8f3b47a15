"""The pass: drawn for its driver, verified offline by anybody, checked in once by the car park's scanner."""

import xml.etree.ElementTree as ElementTree

import orjson
import pytest
from joserfc import jwk, jws

from tests.integration.reservation.arrivals import Lanes, state
from tests.integration.reservation.conftest import BEN, CAR, MIRA, OTTO, Answer, Site


async def scan(site: Site, token: str, *, who: str = MIRA, **more: str) -> Answer:
    return await site.post("/v1/operator/passes/scan", {"pass": token, **more}, who=who)


@pytest.fixture
async def made(site: Site) -> str:
    return str((await site.confirmed(0, 60))["id"])


async def token_of(site: Site, reservation: str) -> str:
    answer = await site.get(f"/v1/reservations/{reservation}/pass")
    assert answer.status == 200, answer.raw
    return str(answer.json["pass"])


async def test_anybody_verifies_it_offline_with_the_public_keys(site: Site, made: str) -> None:
    token = await token_of(site, made)
    keys = jwk.KeySet.import_key_set((await site.get("/v1/passes/keys", who=None)).json)
    signed = jws.deserialize_compact(token, keys, algorithms=["Ed25519", "EdDSA"])
    said = orjson.loads(signed.payload)
    assert (said["sub"], said["car_park"], said["plate"], said["color"]) == (made, "sy-1", CAR["plate"], "blue")
    assert said["exp"] - said["iat"] == 900
    assert "d" not in (await site.get("/v1/passes/keys", who=None)).json["keys"][0]


async def test_the_picture_is_an_svg_for_its_driver_only(site: Site, made: str) -> None:
    answer = await site.get(f"/v1/reservations/{made}/pass.svg")
    assert (answer.status, answer.headers["Content-Type"].partition(";")[0]) == (200, "image/svg+xml")
    assert answer.headers["Cache-Control"] == "no-store"
    assert ElementTree.fromstring(answer.raw).tag.endswith("svg")
    assert (await site.get(f"/v1/reservations/{made}/pass.svg", who=BEN)).status == 404


async def test_a_hold_has_no_pass(site: Site) -> None:
    held = await site.hold(0, 60)
    answer = await site.get(f"/v1/reservations/{held.json['id']}/pass")
    assert (answer.status, answer.json["code"]) == (409, "wrong-state")


async def test_it_checks_in_once_opens_the_barrier_and_is_audited(site: Site, made: str) -> None:
    token = await token_of(site, made)
    answer = await scan(site, token, lane="E1")
    assert (answer.status, answer.json["outcome"]) == (200, "checked_in"), answer.raw
    assert answer.json["reservation"]["state"] == "checked_in"
    assert await Lanes(site).orders() == [("open_barrier", "E1")]
    again = await scan(site, token, lane="E1")
    assert (again.status, again.json["code"]) == (409, "wrong-state"), "a copy opens nothing"
    left = await scan(site, token, direction="exit", lane="X1")
    assert (left.status, left.json["outcome"]) == (200, "left")
    audit = await site.rows("SELECT action, subject FROM registry.audit WHERE action = 'pass.scan' ORDER BY at")
    assert [row["subject"] for row in audit] == [f"reservation/{made}"] * 2
    assert await site.miscounted() == []


async def test_what_is_forged_old_or_of_somebody_elses_car_park_is_refused(site: Site, made: str) -> None:
    token = await token_of(site, made)
    other = await scan(site, token, who=OTTO)
    assert (other.status, other.json["code"]) == (404, "unknown-reservation")
    head, body, signature = token.split(".")
    forged = await scan(site, f"{head}.{body[:-2]}AA.{signature}")
    assert (forged.status, forged.json["code"], forged.json["reason"]) == (409, "pass-refused", "not_ours")
    unknown = await scan(site, token, lane="E9")
    assert unknown.status == 404, unknown.raw
    assert await state(site, made) == "confirmed", "what is refused moves nothing"
    site.clock.advance(900)
    old = await scan(site, token)
    assert (old.status, old.json["reason"]) == (409, "expired")


async def test_too_early_is_told_and_opens_nothing(site: Site) -> None:
    made = await site.confirmed(60, 120)
    answer = await scan(site, await token_of(site, made["id"]), lane="E1")
    assert (answer.status, answer.json["outcome"]) == (200, "too_early")
    assert await Lanes(site).orders() == []
