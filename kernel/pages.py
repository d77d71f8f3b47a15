"""The built web pages (`web/dist`), the API's reader (`/docs`) and the pages about problems.

Only files that exist under the folder are served, links outside it are not followed. When the pages were not built,
the server says so on every page and in its log, instead of a bare 404.
"""

import asyncio
import html
from collections.abc import Iterable
from pathlib import Path

from aiohttp import web

from kernel.answers import dump, problem_response
from kernel.edge_problems import NotFound
from kernel.middleware import REQUEST_ID
from kernel.problems import Problem

PAGE_CSP = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; worker-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
"""For every page, Swagger UI included: nothing inline, nothing from another site."""

PAGE_HEADERS = {
    "Content-Security-Policy": PAGE_CSP,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(self), camera=(), microphone=(), payment=()",
}
IMMUTABLE = "public, max-age=31536000, immutable"
"""For files under assets/, whose name changes with their content."""

NOT_BUILT = "The pages are not built: run `make env` (or `npm ci && npm run build` in web/). The API is served."


class Pages:
    """The files under `folder`, by the path of their address."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = None if folder is None else folder.resolve()

    @property
    def built(self) -> bool:
        return self._folder is not None and (self._folder / "index.html").is_file()

    def has(self, path: str) -> bool:
        """Whether there is a file for this address."""
        return self._file(path) is not None

    def _file(self, path: str) -> Path | None:
        if self._folder is None or "\0" in path or "\\" in path:
            return None
        relative = path.lstrip("/")
        for candidate in (relative, f"{relative}.html", f"{relative.rstrip('/')}/index.html".lstrip("/")):
            try:
                file = (self._folder / candidate).resolve()
                if file.is_relative_to(self._folder) and file.is_file():
                    return file
            except OSError:  # a name too long for the file system
                return None
        return None

    async def serve(self, request: web.Request) -> web.StreamResponse | None:
        """The page at the request's address, None when there is none and never was meant to be."""
        if request.method not in ("GET", "HEAD"):
            return None
        file = await asyncio.to_thread(self._file, request.path)
        if file is None:
            if request.path == "/" and not self.built:
                return web.Response(status=503, text=NOT_BUILT + "\n", headers={**PAGE_HEADERS, "Retry-After": "60"})
            return None
        cache = IMMUTABLE if "/assets/" in request.path else "no-cache"
        return web.FileResponse(file, headers={**PAGE_HEADERS, "Cache-Control": cache})


DOCS_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Berth API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="/favicon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/swagger/swagger-ui.css"></head>
<body><div id="docs"></div>
<noscript>The API description is at <a href="/openapi.json">/openapi.json</a>.</noscript>
<script src="/swagger/swagger-ui-bundle.js"></script><script src="/docs/start.js"></script></body></html>
"""
DOCS_START = """SwaggerUIBundle({
  url: "/openapi.json", dom_id: "#docs", validatorUrl: null, deepLinking: true, tryItOutEnabled: true,
  persistAuthorization: false, displayRequestDuration: true,
});
"""


def docs_routes(pages: Pages) -> list[web.RouteDef]:
    """`/docs`: Swagger UI from the built pages, with no request to anywhere else."""

    async def page(request: web.Request) -> web.Response:
        if not pages.has("/swagger/swagger-ui-bundle.js"):
            return web.Response(status=503, text=f"{NOT_BUILT}\nThe API description is at /openapi.json.\n")
        headers = {**PAGE_HEADERS, "Cache-Control": "no-cache"}
        return web.Response(text=DOCS_PAGE, content_type="text/html", headers=headers)

    async def start(request: web.Request) -> web.Response:
        return web.Response(text=DOCS_START, content_type="text/javascript", headers={"Cache-Control": "no-cache"})

    return [web.get("/docs", page), web.get("/docs/start.js", start)]


def problem_routes(problems: Iterable[type[Problem]]) -> list[web.RouteDef]:
    """`/problems` and `/problems/<slug>`: what the `type` of a problem points at, for people and programs.

    Raises TypeError when two problems share a slug: one type has one title wherever it is met.
    """
    known: dict[str, type[Problem]] = {}
    for problem in sorted(problems, key=lambda problem: problem.slug):
        if (namesake := known.setdefault(problem.slug, problem)) is not problem:
            raise TypeError(f"{namesake!r} and {problem!r} are both {problem.slug}")

    def described(problem: type[Problem]) -> dict[str, object]:
        return {
            "type": f"/problems/{problem.slug}",
            "title": problem.title(),
            "status": problem.status,
            "code": problem.slug,
            "description": problem.advice(),
        }

    async def every(request: web.Request) -> web.Response:
        items = [described(problem) for problem in known.values()]
        return web.Response(body=dump({"items": items, "next": None}), content_type="application/json")

    async def one(request: web.Request) -> web.Response:
        problem = known.get(request.match_info["slug"])
        if problem is None:
            return problem_response(NotFound("no problem has this name: see /problems"), request.get(REQUEST_ID))
        about = described(problem)
        if "text/html" not in request.headers.get("Accept", ""):
            return web.Response(body=dump(about), content_type="application/json")
        title, text = html.escape(str(about["title"])), html.escape(str(about["description"]))
        page = f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title><h1>{title}</h1>"
        page += f"<p>HTTP {problem.status}, <code>{html.escape(problem.slug)}</code></p><p>{text}</p></html>"
        return web.Response(text=page, content_type="text/html")

    return [web.get("/problems", every), web.get("/problems/{slug}", one)]
