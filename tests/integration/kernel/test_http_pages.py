"""What is served beside the operations: probes, the description, the reader of it, the built pages."""

import asyncio
import contextlib
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from structlog.testing import capture_logs

from kernel import probes
from kernel.addresses import LOCAL_NETWORKS, Proxies
from kernel.clock import ManualClock
from kernel.probes import NOT_READY_S, READY_S
from kernel.webserver import WebOptions
from tests.integration.kernel.conftest import Serve


async def test_probes(serve: Serve, clock: ManualClock) -> None:
    ready = asyncio.Event()

    async def database() -> None:
        if not ready.is_set():
            raise ConnectionError("postgresql://user:secret@host")

    site = await serve(probes={"database": database}, options=WebOptions(version={"version": "1.2.3"}))
    async with site.client.get("/livez") as answer:
        assert answer.status == 200
    async with site.client.get("/readyz") as answer:
        assert (answer.status, await answer.json()) == (503, {"ready": False, "parts": {"database": "ConnectionError"}})
    ready.set()
    clock.advance(NOT_READY_S)
    async with site.client.get("/readyz") as answer:
        assert (answer.status, await answer.json()) == (200, {"ready": True, "parts": {"database": "ok"}})
    async with site.client.get("/version") as answer:
        assert (await answer.json())["version"] == "1.2.3"


async def test_a_flood_of_questions_asks_the_database_once_a_second(serve: Serve, clock: ManualClock) -> None:
    asked = 0

    async def database() -> None:
        nonlocal asked
        asked += 1

    async def flood() -> set[int]:
        async def ask() -> int:
            async with site.client.get("/readyz") as answer:
                return answer.status

        return set(await asyncio.gather(*(ask() for _ in range(50))))

    site = await serve(probes={"database": database})
    assert (await flood(), asked) == ({200}, 1)
    clock.advance(READY_S - 0.1)
    assert (await flood(), asked) == ({200}, 1)
    clock.advance(0.1)
    assert (await flood(), asked) == ({200}, 2)


async def test_a_probe_that_hangs_hangs_once(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "PROBE_S_MAX", 0.2)
    asked = 0

    async def database() -> None:
        nonlocal asked
        asked += 1
        await asyncio.Event().wait()

    site = await serve(probes={"database": database})
    with contextlib.suppress(TimeoutError):
        await site.client.get("/readyz", timeout=aiohttp.ClientTimeout(total=0.05))  # left before it was answered
    async with site.client.get("/readyz") as answer:
        assert (await answer.json())["parts"] == {"database": "no answer in 0.2 s"}
    assert asked == 1


async def test_metrics_are_for_the_neighbourhood(serve: Serve) -> None:
    async def metrics(_request: web.Request) -> web.Response:
        return web.Response(text="berth_up 1")

    site = await serve(metrics=metrics)
    async with site.client.get("/metrics") as answer:
        assert (answer.status, await answer.text()) == (200, "berth_up 1")
    for headers in ({"X-Forwarded-For": "198.51.100.7"}, {"X-Forwarded-For": "127.0.0.1"}, {"Forwarded": "for=_x"}):
        async with site.client.get("/metrics", headers=headers) as answer:
            assert (answer.status, (await answer.json())["code"]) == (403, "not-from-here")
    trusting = await serve(metrics=metrics, options=WebOptions(proxies=Proxies(LOCAL_NETWORKS)))
    for asker, status in (("198.51.100.7", 403), ("192.168.1.9", 200)):
        async with trusting.client.get("/metrics", headers={"X-Forwarded-For": asker}) as answer:
            assert answer.status == status
    nobody = await serve(metrics=metrics, options=WebOptions(metrics_from=()))
    async with nobody.client.get("/metrics") as answer:
        assert answer.status == 403


async def test_the_description_is_served_with_an_etag(serve: Serve) -> None:
    site = await serve()
    async with site.client.get("/openapi.json") as answer:
        assert (await answer.json())["openapi"].startswith("3.1")
        etag = answer.headers["ETag"]
    async with site.client.get("/openapi.json", headers={"If-None-Match": etag}) as answer:
        assert answer.status == 304


async def test_missing_pages_are_said_loudly(serve: Serve) -> None:
    with capture_logs() as lines:
        site = await serve()
    assert ("error", "pages not built") in [(line["log_level"], line["event"]) for line in lines]
    for path in ("/", "/docs"):
        async with site.client.get(path) as answer:
            assert answer.status == 503
            assert "make env" in await answer.text()


async def test_pages_are_served_and_nothing_beside_them(serve: Serve, tmp_path: Path) -> None:
    dist = tmp_path / "dist"
    for name in ("index.html", "console.html", "assets/a-1.js", "swagger/swagger-ui-bundle.js"):
        (dist / name).parent.mkdir(parents=True, exist_ok=True)
        (dist / name).write_text(f"<p>{name}</p>")
    (tmp_path / "secret.txt").write_text("secret")
    (dist / "link.txt").symlink_to(tmp_path / "secret.txt")
    site = await serve(options=WebOptions(pages=dist))
    for path, wanted in (("/", "index.html"), ("/console", "console.html"), ("/assets/a-1.js", "assets/a-1.js")):
        async with site.client.get(path) as answer:
            assert (answer.status, await answer.text()) == (200, f"<p>{wanted}</p>")
            assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
            assert ("immutable" in answer.headers["Cache-Control"]) == path.startswith("/assets")
    async with site.client.get("/docs") as answer:
        assert "/swagger/swagger-ui-bundle.js" in await answer.text()
    for path in ("/link.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/a%00b", "/" + "x" * 300, "/v1/nothing"):
        async with site.client.get(path) as answer:
            assert answer.status == 404, path
