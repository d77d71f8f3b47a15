"""Pictures of the pages, of a running city or of one started for it: `screenshots.py [URL] [--into docs/screenshots]`.

The same looks every time, so that two versions can be laid side by side: desktop and phone, light and dark, both
languages, and the wall.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

from playwright.sync_api import Browser, sync_playwright

CHROMIUM: Final = "/usr/bin/chromium"
ARGUMENTS: Final = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
INTO: Final = Path(__file__).parents[1] / "docs" / "screenshots"
WAIT_MS_MAX: Final = 60_000
SETTLE_MS: Final = 2_500
"""Labels fade in and the chart is drawn after the map reports itself ready."""

DESKTOP: Final = (1440, 900)
PHONE: Final = (360, 740)
WALL: Final = (1920, 1080)


class Look(NamedTuple):
    """One picture; `{park}` in the address becomes a car park with sensors, `ready` is what has to be seen first."""

    name: str
    size: tuple[int, int]
    scheme: Literal["light", "dark"]
    address: str
    ready: str


MAP: Final = '[data-map][data-ready="true"]'
LOOKS: Final = (
    Look("desktop-light-zh", DESKTOP, "light", "/", MAP),
    Look("desktop-dark-zh", DESKTOP, "dark", "/", MAP),
    Look("desktop-light-en", DESKTOP, "light", "/?lang=en&at=41.7900,123.4200,13.30", MAP),
    Look("desktop-panel-dark-en", DESKTOP, "dark", "/?lang=en&park={park}", ".panel .facts"),
    Look("desktop-panel-light-zh", DESKTOP, "light", "/?park={park}", ".panel .facts"),
    Look("phone-list-light-zh", PHONE, "light", "/", ".row"),
    Look("phone-map-dark-zh", PHONE, "dark", "/?map=1", MAP),
    Look("phone-panel-light-en", PHONE, "light", "/?lang=en&park={park}", ".panel .facts"),
    Look("wall-zh", WALL, "dark", "/?kiosk=1", MAP),
)


@contextmanager
def own_city() -> Iterator[str]:
    """A demo city of its own for as long as the pictures take; its address."""
    with tempfile.TemporaryDirectory(prefix="berth-") as folder:
        command = [sys.executable, "-m", "app.cli", "up", "--demo", "--json", "--port", "0", "--data-dir", folder]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as city:
            assert city.stdout is not None
            line = city.stdout.readline()
            if not line:
                raise SystemExit("berth up did not start: run `berth up --demo` to see why")
            try:
                yield str(json.loads(line)["http"])
            finally:
                city.terminate()


def car_park_with_sensors(url: str) -> str:
    """The largest car park whose spaces are sensed one by one: it has most to show."""
    with urllib.request.urlopen(f"{url}/v1/car-parks?limit=1000", timeout=10) as answer:
        cards: list[dict[str, Any]] = json.load(answer)["items"]
    if not cards:
        raise SystemExit("this city has no car parks")
    sensed = [card for card in cards if card["availability"]["source"] == "spaces"] or cards
    return str(max(sensed, key=lambda card: card["availability"]["capacity"])["id"])


def take(browser: Browser, url: str, look: Look, into: Path) -> None:
    """One picture, after everything it is to show has been drawn."""
    width, height = look.size
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=look.scheme)
    page.set_default_timeout(WAIT_MS_MAX)
    park = car_park_with_sensors(url) if "{park}" in look.address else ""
    page.goto(url + look.address.format(park=park))
    page.locator(look.ready).first.wait_for()
    if look.size != PHONE:
        page.locator(MAP).wait_for()
    page.wait_for_timeout(SETTLE_MS)
    target = into / f"{look.name}.png"
    page.screenshot(path=target)
    page.close()
    print(target)


def main() -> None:
    """Take every look."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("url", nargs="?", help="address of a running Berth; without it a demo city is started")
    parser.add_argument("--into", type=Path, default=INTO, help="folder for the pictures")
    arguments = parser.parse_args()
    arguments.into.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        if arguments.url:
            for look in LOOKS:
                take(browser, arguments.url.rstrip("/"), look, arguments.into)
        else:
            with own_city() as url:
                for look in LOOKS:
                    take(browser, url, look, arguments.into)
        browser.close()


if __name__ == "__main__":
    main()
