"""Signed pushes over HTTP: who may say what, and what becomes of each event."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kernel.api_keys import sha256_of
from kernel.clock import SystemClock
from kernel.db import Database
from kernel.signatures import read_signature, signed_text
from occupancy.record import Recorder
from occupancy.settings import OccupancySettings
from tests.integration.gateway.conftest import Books, now, register
from tests.integration.gateway.site import Site, running_site


@pytest.fixture
async def site(db: Database) -> AsyncIterator[Site]:
    async with running_site(db) as running:
        yield running


def event(space: str = "B1-1", state: str = "occupied", at: str | None = None, **more: Any) -> dict[str, Any]:
    return {"space": space, "state": state, "at": at or now(-5), **more}


async def test_each_event_is_answered_and_booked(site: Site, books: Books) -> None:
    told = now(-60)
    await site.push("spaces", {"events": [event(at=told, seq=7)]})
    answer = await site.push(
        "spaces",
        {
            "events": [
                event("B1-2"),
                event(at=told, seq=7),
                event("NO-1"),
                event(at=now(-3600), state="free", seq=1),
                {"space": "B1-3", "state": "levitating", "at": now(-5)},
            ]
        },
    )
    assert answer.status == 200, answer.raw
    assert answer.json["outcomes"] == ["stored", "duplicate", "refused", "late", "refused"]
    assert [(one["index"], one["reason"]) for one in answer.json["refused"]] == [
        (2, "unknown_space"),
        (4, "unknown_state"),
    ]
    counted = {name: answer.json[name] for name in ("received", "stored", "duplicate", "late")}
    assert counted == {"received": 5, "stored": 1, "duplicate": 1, "late": 1}
    assert await books() == {"received": 6, "stored": 2, "duplicate": 1, "late": 1, "dead": 2}


async def test_counts_passages_and_one_bare_event_go_the_same_way(site: Site, books: Books) -> None:
    bare = await site.push("spaces", event("B1-4"))
    counts = await site.push(
        "counts", {"counts": [{"zone": "B1", "free": 10, "at": now(-5)}, {"free": 5000, "at": now()}]}
    )
    passage = {"id": "p1", "lane": "E1", "direction": "entry", "at": now(-2), "vehicle": {"plate": "辽A12345"}}
    first, again = await site.push("passages", passage), await site.push("passages", passage)
    assert bare.json["outcomes"] == ["stored"]
    assert counts.json["outcomes"] == ["stored", "refused"]
    assert (first.json["outcomes"], again.json["outcomes"]) == (["stored"], ["duplicate"])
    assert (await books())["received"] == 5


async def test_a_refused_event_can_be_replayed_after_a_fix(site: Site, db: Database, books: Books) -> None:
    await site.push("spaces", {"events": [event("B1-21")]})
    assert (await books())["dead"] == 1
    await register(db, spaces=21)
    operator = {"Authorization": f"Bearer {await site.issue('op', ('read', 'operate'))}"}
    listed = await site.send("GET", "/v1/operator/rejected", headers=operator)
    letter = listed.json["items"][0]["id"]
    again = await site.send(
        "POST", f"/v1/operator/rejected/{letter}/replay", headers={**operator, "Idempotency-Key": "k"}
    )
    assert again.json["outcome"] == "recorded"
    assert await books() == {"received": 1, "stored": 1, "duplicate": 0, "late": 0, "dead": 0}


async def test_a_body_that_is_no_message_is_kept_and_told(site: Site, books: Books) -> None:
    for body, reason in ((b"", "empty"), (b"{", "malformed_json"), (b"\xff", "malformed_json"), (b"[]", "wrong_shape")):
        answer = await site.push("spaces", body)
        assert (answer.status, answer.json["code"]) == (422, "not-a-message"), answer.raw
        assert answer.json["reason"] == reason
    assert (await books())["dead"] == 4


async def test_a_body_over_the_limit_is_not_read(site: Site, books: Books) -> None:
    answer = await site.push("spaces", b" " * (1024 * 1024 + 1))
    assert answer.status == 413
    too_many = await site.push("spaces", {"events": [event()] * 5_001})
    assert (too_many.status, too_many.json["reason"]) == (422, "too_many_events")
    assert (await books())["received"] == 1


async def test_a_repeated_request_changes_nothing(site: Site, books: Books) -> None:
    body = {"events": [event()]}
    first = await site.push("spaces", body, nonce="once-and-only")
    again = await site.push("spaces", body, nonce="once-and-only")
    other = await site.push("spaces", {"events": [event("B1-9")]}, nonce="once-and-only")
    assert first.status == 200
    assert (again.status, again.json["code"]) == (409, "repeated-request")
    assert other.status == 409
    assert (await books())["received"] == 1


async def test_two_keys_may_use_the_same_nonce(site: Site) -> None:
    first = await site.push("spaces", {"events": [event()]}, nonce="a-common-nonce")
    other = await site.push("spaces", {"events": [event()]}, nonce="a-common-nonce", key=await site.issue("op"))
    assert (first.status, other.status) == (200, 200)


@pytest.mark.parametrize(
    "forged",
    [
        {"signed_body": b"something else"},
        {"signed_address": "/v1/ingest/spaces?car_park=mall-2"},
        {"signed_address": "/v1/ingest/counts?car_park=mall-1"},
        {"timestamp": "1000"},
        {"timestamp": "tomorrow"},
        {"timestamp": "2026-11-23T08:00:00"},
        {"nonce": "short"},
    ],
)
async def test_what_was_not_signed_just_so_is_refused(site: Site, books: Books, forged: dict[str, Any]) -> None:
    answer = await site.push("spaces", {"events": [event()]}, **forged)
    assert (answer.status, answer.json["code"]) == (401, "unauthenticated")
    assert (await books())["received"] == 0


async def test_a_strange_key_and_a_wrong_signature_are_told_the_same(site: Site) -> None:
    """No oracle: whether a key exists is not to be learnt."""
    strange = await site.push("spaces", b"{}", key="bk_live_0123456789abcdef_" + "x" * 43)
    wrong = await site.push("spaces", b"{}", signed_body=b"other")
    same = [{**answer.json, "request_id": ""} for answer in (strange, wrong)]
    assert strange.status == wrong.status == 401
    assert same[0] == same[1]


async def test_a_request_without_a_signature_is_told_what_is_missing(site: Site) -> None:
    answer = await site.send("POST", "/v1/ingest/spaces?car_park=mall-1", b"{}")
    assert answer.status == 401
    assert all(name in answer.json["detail"] for name in ("X-Key", "X-Timestamp", "X-Nonce", "X-Signature"))


async def test_a_clock_may_differ_by_five_minutes_and_write_rfc_3339(site: Site) -> None:
    at = SystemClock().now()
    for shift_s, status in ((-290, 200), (290, 200), (-310, 401), (310, 401)):
        stamp = (at + timedelta(seconds=shift_s)).isoformat()
        answer = await site.push("spaces", {"events": [event()]}, timestamp=stamp)
        assert answer.status == status, (shift_s, answer.raw)


async def test_a_key_speaks_for_its_own_operator_and_only_with_the_scope(
    site: Site, db: Database, books: Books
) -> None:
    await register(db, "other-1", operator="other")
    foreign = await site.push("spaces", {"events": [event()]}, car_park="other-1")
    nowhere = await site.push("spaces", {"events": [event()]}, car_park="nowhere")
    assert (foreign.status, nowhere.status) == (404, 404)
    assert foreign.json["code"] == nowhere.json["code"] == "unknown-car-park"
    operating = await site.push("spaces", {"events": [event()]}, key=await site.issue("op", ("read", "operate")))
    assert (operating.status, operating.json["scope"]) == (403, "ingest")
    everyone = await site.push("spaces", {"events": [event()]}, car_park="other-1", key=await site.issue(None))
    assert everyone.status == 200
    assert (await books("other-1"))["stored"] == 1


async def test_an_identity_in_the_body_wins_nothing(site: Site, db: Database, books: Books) -> None:
    await register(db, "other-1", operator="other")
    said = {"operator": "other", "car_park": "other-1", "events": [event(car_park="other-1", operator="other")]}
    assert (await site.push("spaces", said)).json["stored"] == 1
    assert ((await books())["stored"], (await books("other-1"))["stored"]) == (1, 0)


async def test_a_revoked_key_signs_no_more(site: Site, db: Database) -> None:
    key = await site.issue("op")
    async with db.transaction() as tx:
        await tx.execute("UPDATE registry.api_key SET revoked_at = $1 WHERE id = $2", tx.now, key.split("_")[2])
    answer = await site.push("spaces", {"events": [event()]}, key=key)
    assert answer.status == 401


async def test_a_push_that_fails_uses_no_nonce_up(db: Database, books: Books) -> None:
    """The transaction that would have recorded it took the nonce along."""
    failing = True

    async def record(tx: Any, facts: Any) -> Any:
        if failing:
            raise RuntimeError("not now")
        return await Recorder(OccupancySettings()).record_facts(tx, facts)

    async with running_site(db, record_facts=record) as site:
        body = {"events": [event()]}
        failed = await site.push("spaces", body, nonce="try-me-again")
        failing = False
        again = await site.push("spaces", body, nonce="try-me-again")
    assert (failed.status, again.status) == (500, 200)
    assert (await books())["stored"] == 1


def _documented(language: str, number: int = 0) -> str:
    """A code block of docs/push.md."""
    text = (Path(__file__).resolve().parents[3] / "docs" / "push.md").read_text()
    blocks: list[tuple[str, str]] = re.findall(r"```(\w+)\n(.*?)```", text, re.DOTALL)
    return [code for name, code in blocks if name == language][number]


async def test_the_client_in_the_documentation_works(site: Site, books: Books) -> None:
    code: dict[str, Any] = {}
    exec(_documented("python"), code)
    body = msgspec.json.encode({"events": [event()]})
    base = str(site.session._base_url).rstrip("/")
    said = await asyncio.to_thread(code["push"], base, site.key, "spaces", "mall-1", body)
    assert msgspec.json.decode(said)["outcomes"] == ["stored"]
    assert (await books())["stored"] == 1


def test_the_worked_example_of_the_documentation() -> None:
    text = _documented("text").rstrip("\n")
    headers = dict(line.split(": ") for line in _documented("text", 1).splitlines())
    method, address, timestamp, nonce, _ = text.split("\n")
    body = b'{"space":"B1-032","state":"occupied","at":"2026-11-23T08:00:00Z","seq":17,"epoch":"b3"}'
    secret = "kJ3cVn0q7R2uXw5yZ8aBdEfGhIjKlMnOpQrStUvWxYz"
    signature = read_signature(headers, datetime.fromtimestamp(int(timestamp), UTC))
    assert signed_text(method=method, address=address, timestamp=timestamp, nonce=nonce, body=body) == text.encode()
    assert signature.fits(sha256_of(secret), method=method, address=address, body=body)
    assert not signature.fits(sha256_of(secret), method=method, address=address + "x", body=body)
