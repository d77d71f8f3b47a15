"""What arrived as a whole is kept, whatever becomes of the rest of a camera's request."""

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest
from structlog.testing import capture_logs

from gateway.http import cameras
from kernel.db import Database
from tests.conftest import Eventually
from tests.integration.gateway.conftest import Books
from tests.integration.gateway.site import Site, running_site
from tests.integration.gateway.test_spool import CAMERA, JPEG, Work, add_camera, event, form, passages, post, waiting

SCRAP = b'--MIME_boundary\r\nContent-Disposition: form-data; name="p.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'


@pytest.fixture
async def site(db: Database) -> AsyncIterator[Site]:
    await add_camera(db)
    async with running_site(db) as running:
        yield running


async def test_several_events_in_one_form_are_all_kept(site: Site, db: Database, books: Books) -> None:
    key = await site.issue("op", device=CAMERA)
    first, second = form(event("辽A00001"), JPEG), form(event("辽A00002"))
    body = first["raw"].removesuffix(b"--MIME_boundary--\r\n") + second["raw"]
    answer = await site.send("POST", f"/v1/ingest/hikvision/{CAMERA}/{key}", body, headers=first["headers"])
    assert answer.status == 200
    await Work(db).step()
    assert {passage["plate"] for passage in await passages(db)} == {"辽A00001", "辽A00002"}
    assert (await books())["received"] == 2


async def test_a_picture_beyond_all_bounds_costs_no_event(site: Site, db: Database) -> None:
    key = await site.issue("op", device=CAMERA)
    answer = await post(site, key, event("辽A00003"), b"\0" * (16 * 1024 * 1024))
    assert answer.status == 200, answer.raw
    await Work(db).step()
    assert [passage["plate"] for passage in await passages(db)] == ["辽A00003"]


async def test_a_huge_form_without_an_event_costs_a_refusal_and_no_memory(site: Site, db: Database) -> None:
    key = await site.issue("op", device=CAMERA)
    headers = {"Content-Type": "multipart/form-data; boundary=MIME_boundary"}
    body = SCRAP + b"\0" * (16 * 1024 * 1024)
    answer = await site.send("POST", f"/v1/ingest/hikvision/{CAMERA}/{key}", body, headers=headers)
    assert (answer.status, answer.json["code"]) == (413, "body-too-large")
    assert await waiting(db) == 0


async def test_a_picture_that_trickles_in_costs_no_event(
    site: Site, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cameras, "FORM_READ_S_MAX", 0.3)
    key = await site.issue("op", device=CAMERA)
    for cut, status, kept in ((300, 408, 0), (-5_000, 200, 1)):
        never = asyncio.Event()

        async def trickle(start: bytes, never: asyncio.Event = never) -> AsyncIterator[bytes]:
            yield start
            await never.wait()

        said = form(event(), JPEG)
        async with site.session.post(
            f"/v1/ingest/hikvision/{CAMERA}/{key}", data=trickle(said["raw"][:cut]), headers=said["headers"]
        ) as answer:
            assert answer.status == status
        never.set()
        assert await waiting(db) == kept


@pytest.mark.parametrize(("cut", "kept"), [(300, 0), (-5_000, 1)], ids=("in the event", "in the picture"))
async def test_a_line_that_is_cut(site: Site, db: Database, eventually: Eventually, cut: int, kept: int) -> None:
    key = await site.issue("op", device=CAMERA)
    said = form(event(), JPEG)
    where = urlsplit(str(site.session._base_url))
    with capture_logs() as lines:
        _, writer = await asyncio.open_connection(where.hostname, where.port)
        head = (
            f"POST /v1/ingest/hikvision/{CAMERA}/{key} HTTP/1.1\r\nHost: berth\r\n"
            f"Content-Type: {said['headers']['Content-Type']}\r\nContent-Length: {len(said['raw'])}\r\n\r\n"
        )
        writer.write(head.encode() + said["raw"][:cut])
        await writer.drain()
        writer.close()
        await writer.wait_closed()

        async def settled() -> bool:
            return any(line["event"] == "line cut" for line in lines) or await waiting(db) == 1

        await eventually(settled)
    assert await waiting(db) == kept
    assert not [line for line in lines if line["log_level"] in ("error", "critical")]


async def test_a_query_that_a_camera_adds_costs_no_event(site: Site, db: Database) -> None:
    key = await site.issue("op", device=CAMERA)
    answer = await site.send("POST", f"/v1/ingest/hikvision/{CAMERA}/{key}?channel=1&sid=", **form(event()))
    assert answer.status == 200
    assert await waiting(db) == 1


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("alone", [True, False])
async def test_an_event_in_utf_16(site: Site, db: Database, encoding: str, *, alone: bool) -> None:
    key = await site.issue("op", device=CAMERA)
    xml = "\ufeff" + event("辽A00004").decode().replace("UTF-8", "UTF-16").replace("utf-8", "utf-16")
    said = {"raw": xml.encode(encoding), "headers": {"Content-Type": "application/xml"}}
    answer = await site.send(
        "POST", f"/v1/ingest/hikvision/{CAMERA}/{key}", **(said if alone else form(xml.encode(encoding)))
    )
    assert answer.status == 200
    await Work(db).step()
    assert [passage["plate"] for passage in await passages(db)] == ["辽A00004"]
