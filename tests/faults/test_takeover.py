"""Two gateways share four operators, a third one waits: what becomes of a slot whose holder dies, stops or is cut off.

Nothing is lost, doubled or wrong; how long the next commit for the same operators took is recorded.
"""

import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Protocol

import pytest

from app.bench.gateway_process import GatewayProcess
from app.embedded import EmbeddedPostgres
from app.processes import LOOPBACK
from kernel.clock import SystemClock
from tests.faults.conftest import Record, Scale
from tests.faults.devices import Devices, register, speaking
from tests.faults.fleet import OPERATORS, SLOTS, Fleet, freeze, replaced, thaw
from tests.faults.proxy import Proxy, by_proxy
from tests.mosquitto import Mosquitto

pytestmark = pytest.mark.timeout(600)


class MakeFleet(Protocol):
    """`machine`: the first member reaches the database and the broker by these two lines."""

    async def __call__(self, *, machine: tuple[Proxy, Proxy] | None = None) -> Fleet: ...


@pytest.fixture
async def make_fleet(
    tmp_path: Path,
    postgres_server: EmbeddedPostgres,
    database_url: str,
    own_broker: Mosquitto,
    real_clock: SystemClock,
    seed: int,
) -> AsyncIterator[MakeFleet]:
    made: list[GatewayProcess] = []

    async def make(*, machine: tuple[Proxy, Proxy] | None = None) -> Fleet:
        await register(database_url, OPERATORS)
        for number in range(SLOTS + 1):
            folder = tmp_path / f"gateway-{number}"
            folder.mkdir()
            cut = machine if number == 0 else None
            made.append(
                GatewayProcess(
                    folder,
                    database_url=by_proxy(postgres_server, database_url, cut[0]) if cut else database_url,
                    mqtt_url=f"mqtt://{LOOPBACK}:{cut[1].port if cut else own_broker.port}",
                    settings={
                        "BERTH_GATEWAY__PARTITIONS": str(SLOTS),
                        # The sensors change too often to be believed; what is done about that is tried elsewhere.
                        "BERTH_OCCUPANCY__FLAPPING_WINDOW_S": "1",
                    },
                )
            )
        fleet = Fleet(real_clock, database_url, made, Devices.of_seed(seed, real_clock.now(), OPERATORS))
        await fleet.start()
        return fleet

    yield make
    for member in made:
        member.kill()


async def test_a_killed_gateway_is_replaced(
    make_fleet: MakeFleet, own_broker: Mosquitto, scale: Scale, dice: random.Random, record: Record
) -> None:
    fleet = await make_fleet()
    took_s: list[float] = []
    async with speaking(fleet.devices, own_broker.port, fleet.clock):
        for turn in range(scale.kills):
            victim, passed_s = await struck(fleet, turn % SLOTS, dice, GatewayProcess.kill)
            took_s.append(passed_s)
            victim.start()
    record(await fleet.healed(), scale.kills, _told(took_s), kinds=("gateway kills",))


async def test_a_stopped_gateway_is_replaced(
    make_fleet: MakeFleet, own_broker: Mosquitto, scale: Scale, dice: random.Random, record: Record
) -> None:
    """SIGSTOP in the middle of whatever it does, a transaction mostly; when it wakes up, it finds itself replaced."""
    fleet = await make_fleet()
    took_s: list[float] = []
    async with speaking(fleet.devices, own_broker.port, fleet.clock):
        for turn in range(scale.rounds):
            victim, passed_s = await struck(fleet, turn % SLOTS, dice, freeze)
            took_s.append(passed_s)
            thaw(victim)
            await replaced(victim, fleet.clock)
            victim.start()
    record(await fleet.healed(), scale.rounds, _told(took_s))


async def test_a_gateway_on_a_machine_that_is_lost_is_replaced(
    make_fleet: MakeFleet,
    own_broker: Mosquitto,
    to_database: Proxy,
    to_broker: Proxy,
    dice: random.Random,
    record: Record,
) -> None:
    """No word comes from it and none reaches it, and nobody is told: neither the database nor the broker notices."""
    fleet = await make_fleet(machine=(to_database, to_broker))

    def lose(member: GatewayProcess) -> None:
        assert member is fleet.members[0]
        to_database.black_hole(True)
        to_broker.black_hole(True)

    async with speaking(fleet.devices, own_broker.port, fleet.clock):
        victim, took_s = await struck(fleet, 0, dice, lose)
        to_database.black_hole(False)
        to_broker.black_hole(False)
        await replaced(victim, fleet.clock)
        victim.start()
    record(await fleet.healed(), 1, _told([took_s]))


async def struck(
    fleet: Fleet, slot: int, dice: random.Random, fault: Callable[[GatewayProcess], None]
) -> tuple[GatewayProcess, float]:
    """Whoever held `slot` while it worked and then suffered `fault`, and the seconds until another one committed."""
    await fleet.spare_waits()
    await fleet.works(slot, events=100)
    await fleet.clock.sleep(dice.uniform(0, 0.5))
    victim, term = await fleet.holder(slot), await fleet.term(slot)
    since = fleet.clock.monotonic()
    fault(victim)
    return victim, await fleet.taken_over(slot, since=since, term=term)


def _told(took_s: list[float]) -> str:
    ordered = sorted(took_s)
    return f"taken over in {ordered[len(ordered) // 2]:.1f} s, at most {ordered[-1]:.1f} s"
