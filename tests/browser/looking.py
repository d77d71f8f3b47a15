"""What the tests of the pages look through: Debian's Chromium, and a page that tolerates no error and no stranger."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect

CHROMIUM: Final = "/usr/bin/chromium"
ARGUMENTS: Final = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
"""WebGL without a graphics card: the map is drawn for real."""
SECONDS_MAX: Final = 30
"""A shared machine without a graphics card draws slowly; nothing here is a measurement."""

DESKTOP: Final = (1440, 900)
PHONE: Final = (360, 740)
WALL: Final = (1920, 1080)


@dataclass
class Watch:
    """What went wrong behind a page's back. `forgiven` are texts that a test provokes on purpose."""

    origin: str
    complaints: list[str] = field(default_factory=list)
    forgiven: list[str] = field(default_factory=list)

    def on_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"console {message.type}: {message.text}")

    def on_request(self, request: Request) -> None:
        where = urlsplit(request.url)
        if where.scheme in ("http", "https", "ws", "wss") and f"{where.scheme}://{where.netloc}" != self.origin:
            self.complaints.append(f"request to a stranger: {request.url}")

    def unforgiven(self) -> list[str]:
        """The complaints that no test asked for."""
        return [text for text in self.complaints if not any(part in text for part in self.forgiven)]


class Seen:
    """A page of the city under watch."""

    def __init__(self, page: Page, watch: Watch) -> None:
        self.page = page
        self.watch = watch

    def open(self, address: str = "/") -> Page:
        """Go there and wait until the list, or the wall, has something to say."""
        self.page.goto(self.watch.origin + address)
        expect(self.page.locator(".list .row, .nothing, .wall-top li").first).to_be_visible()
        return self.page

    def open_map(self, address: str = "/") -> Page:
        """Go there and wait until the map has drawn car parks."""
        page = self.open(address)
        expect(page.locator("[data-map]")).to_have_attribute("data-ready", "true")
        return page


@contextmanager
def looking(
    browser: Browser, origin: str, size: tuple[int, int] = DESKTOP, *, dark: bool = False, calm: bool = False
) -> Iterator[Seen]:
    """A fresh visitor's page; leaving it checks that nothing was wrong behind its back."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if dark else "light",
        reduced_motion="reduce" if calm else "no-preference",
    )
    context.set_default_timeout(SECONDS_MAX * 1000)
    page = context.new_page()
    watch = Watch(origin)
    page.on("console", watch.on_console)
    page.on("pageerror", lambda error: watch.complaints.append(f"uncaught: {error}"))
    page.on("request", watch.on_request)
    try:
        yield Seen(page, watch)
        if unforgiven := watch.unforgiven():
            raise AssertionError("\n".join(unforgiven))
    finally:
        context.close()
