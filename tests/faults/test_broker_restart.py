"""The broker goes away and comes back with what it had saved: devices and gateway find it again by themselves."""

import random

import pytest

from tests.faults.conftest import Record, Scale
from tests.faults.devices import speaking
from tests.faults.site import Site
from tests.mosquitto import Mosquitto


@pytest.mark.runs(5)
@pytest.mark.timeout(600)
async def test_broker_restarted(
    site: Site, own_broker: Mosquitto, scale: Scale, dice: random.Random, record: Record
) -> None:
    await site.start()
    async with speaking(site.devices, site.broker_port, site.clock):
        for _ in range(scale.kills):
            await site.work_goes_on()
            await site.clock.sleep(dice.uniform(0, 0.3))
            own_broker.stop()
            own_broker.start()
    record(await site.healed(), scale.kills, kinds=("broker stops",))
