"""kill -9 of a broker: what only it had is lost, found out, asked for and made good within a minute."""

import getpass
import os
import random
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.conftest import MakeSite, Record, Scale
from tests.faults.devices import CAR_PARKS
from tests.faults.sensors import all_known, made_good, until_right
from tests.integration.brokers.secured import DEPLOY
from tests.mosquitto import Mosquitto

pytestmark = pytest.mark.timeout(900)

RECEIVE_MAXIMUM = 20
"""What a broker sends to a gateway that stands still."""
_OF_A_STORE = re.compile(r"^(?:autosave|max_queued|max_inflight|persistent_client)\w* .*\n", re.MULTILINE)
STORES = {
    "keeps_nothing": "autosave_on_changes false\nautosave_interval 0\n",
    "of_production": "".join(_OF_A_STORE.findall((DEPLOY / "mosquitto.conf").read_text(encoding="utf-8"))),
}


@pytest.fixture
def store() -> str:
    """How the broker saves what it has; see STORES."""
    return "keeps_nothing"


@pytest.fixture
def mortal_broker(store: str, tmp_path: Path) -> Iterator[Mosquitto]:
    folder = tmp_path / "mosquitto"
    folder.mkdir()
    with Mosquitto(folder, user=getpass.getuser(), more=STORES[store]) as server:
        yield server


@pytest.mark.parametrize("store", ["keeps_nothing", pytest.param("of_production", marks=pytest.mark.long_only)])
async def test_broker_killed(
    make_site: MakeSite,
    database_url: str,
    store: str,
    mortal_broker: Mosquitto,
    scale: Scale,
    dice: random.Random,
    record: Record,
) -> None:
    """The gateway stood still, so that the broker had sent it only a little of what it had acknowledged."""
    settings = {"BERTH_GATEWAY__RECEIVE_MAXIMUM": str(RECEIVE_MAXIMUM)}
    site = await make_site(database_url, mortal_broker.port, settings=settings)
    await site.start()
    took_s: list[float] = []
    async with all_known(site, dice) as sensors:
        for _ in range(scale.kills):
            os.kill(site.gateway.pid, signal.SIGSTOP)
            await sensors.change(1.0)
            await sensors.acknowledged()
            mortal_broker.kill()
            mortal_broker.start()
            os.kill(site.gateway.pid, signal.SIGCONT)
            # The last word of nearly every space was lost. A broker without our session says so by itself; one that has
            # an older session of ours does not, and the gaps show with the next word of each car park.
            if store == "of_production":
                await sensors.change(0.2)
            took_s.append(await until_right(site, sensors))
        verdict, remark = await made_good(site, sensors, took_s)
    record(verdict, scale.kills, remark, kinds=("broker kills",))
    assert sensors.snapshots >= CAR_PARKS * scale.kills or store != "keeps_nothing"


@pytest.mark.long_only
async def test_broker_and_gateway_killed(
    make_site: MakeSite,
    database_url: str,
    mortal_broker: Mosquitto,
    scale: Scale,
    dice: random.Random,
    record: Record,
) -> None:
    """The new process finds that nothing was kept for it."""
    site = await make_site(database_url, mortal_broker.port)
    await site.start()
    took_s: list[float] = []
    async with all_known(site, dice) as sensors:
        for _ in range(scale.turns):
            site.gateway.kill()
            await sensors.change(0.5)
            await sensors.acknowledged()
            mortal_broker.kill()
            mortal_broker.start()
            site.gateway.start()
            took_s.append(await until_right(site, sensors))
        verdict, remark = await made_good(site, sensors, took_s)
    record(verdict, scale.turns, remark, kinds=("gateway kills", "broker kills"))
    assert sensors.snapshots >= CAR_PARKS * scale.turns
