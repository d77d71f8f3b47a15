"""What is served beside the operations: probes, the description, the reader of it, the built pages."""

import asyncio
from pathlib import Path

from structlog.testing import capture_logs

from kernel.webserver import WebOptions
from tests.integration.kernel.conftest import Serve


async def test_probes(serve: Serve) -> None:
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
    async with site.client.get("/readyz") as answer:
        assert (answer.status, await answer.json()) == (200, {"ready": True, "parts": {"database": "ok"}})
    async with site.client.get("/version") as answer:
        assert (await answer.json())["version"] == "1.2.3"


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
