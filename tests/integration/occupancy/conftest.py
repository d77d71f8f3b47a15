"""A recorder, a board and a served API of occupancy, on one fresh database."""

from collections.abc import Awaitable, Callable

import pytest

from contracts.facts import Facts, Recorded
from contracts.wire import public_topic
from kernel.answers import dump
from kernel.db import Database
from occupancy.card import Name
from occupancy.http.city import City
from occupancy.record import Recorder
from occupancy.service import Serving, serving
from occupancy.settings import OccupancySettings
from registry.sql import audit
from tests.integration.kernel.conftest import Serve, Site, serve

__all__ = ["serve"]

Record = Callable[[Facts], Awaitable[Recorded]]


@pytest.fixture
def settings() -> OccupancySettings:
    return OccupancySettings()


@pytest.fixture
def recorder(settings: OccupancySettings) -> Recorder:
    return Recorder(settings)


@pytest.fixture
def record(database: Database, recorder: Recorder) -> Record:
    """One batch, committed."""

    async def commit(facts: Facts) -> Recorded:
        async with database.transaction() as tx:
            return await recorder.record_facts(tx, facts)

    return commit


@pytest.fixture
def side(database: Database, settings: OccupancySettings) -> Serving:
    """The API's side, whose loops the test turns itself."""
    return serving(database, settings, City(Name(zh="沈阳", en="Shenyang"), "Asia/Shanghai"), audit.record)


@pytest.fixture
async def site(side: Serving, database: Database, serve: Serve) -> Site:
    """The API's side on a free port."""
    return await serve(*side.service.apis, database=database)


def publish(side: Serving, recorded: Recorded) -> None:
    """What the broker does between the gateway and the board."""
    for availability in recorded.availabilities:
        side.board.on_public(public_topic(availability.car_park), dump(availability))
    side.board.flush()
