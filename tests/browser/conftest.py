"""One running city and one Chromium for the tests of the pages, and a visitor for each."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.looking import ARGUMENTS, CHROMIUM, SECONDS_MAX, Seen, looking
from tests.e2e.outside import City

CAR_PARKS = 60

Visit = Callable[..., Seen]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Starting the city and Chromium is part of the first test, and drawing without a graphics card is slow."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.timeout(240))


@pytest.fixture(scope="package")
def shown_city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """`berth up --demo`, streaming a day in 24 minutes; tests add car parks of their own and leave the others alone."""
    city = City(tmp_path_factory.mktemp("shown") / "var", "--demo", "--car-parks", str(CAR_PARKS), "--speed", "60")
    yield city
    city.stop()


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, drawing in software."""
    if not Path(CHROMIUM).exists():
        pytest.skip(f"{CHROMIUM} is missing: `make test` installs it")
    expect.set_options(timeout=SECONDS_MAX * 1000)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield chromium
        chromium.close()
    asyncio.set_event_loop(None)


@pytest.fixture
def visit(browser: Browser, shown_city: City) -> Iterator[Visit]:
    """`visit(size, dark=...)`: a fresh visitor. Fails the test for any console error and any request to elsewhere."""
    with ExitStack() as visits:

        def arrive(*size: tuple[int, int], dark: bool = False, calm: bool = True) -> Seen:
            return visits.enter_context(looking(browser, shown_city.ready.http, *size, dark=dark, calm=calm))

        yield arrive
