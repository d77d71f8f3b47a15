"""A running city for tests that only look; tests that break things start their own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.outside import City

StartCity = Callable[..., City]


@pytest.fixture(scope="session")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """`berth up --demo` with 40 car parks, streaming, shared by the session: do not break it."""
    started = City(tmp_path_factory.mktemp("city") / "var", "--demo", "--car-parks", "40")
    yield started
    started.stop()


@pytest.fixture
def start_city(tmp_path: Path) -> Iterator[StartCity]:
    """Starts `berth up` with further arguments, on the same data every time; whatever still runs is stopped."""
    cities: list[City] = []

    def start(*arguments: str) -> City:
        cities.append(City(tmp_path / "var", *arguments))
        return cities[-1]

    yield start
    for started in cities:
        started.stop()
