"""What devices sent before anybody registered them is their operator's afterwards, and nobody else's."""

import pytest

from gateway.errors import UnknownRejected
from gateway.http.rejected import RejectedApi, RejectedView
from gateway.record import Handlers
from kernel.callers import Caller
from kernel.db import Database
from occupancy.record import Recorder
from occupancy.settings import OccupancySettings
from registry.sql import audit
from tests.conftest import Eventually
from tests.integration.gateway.conftest import CAR_PARK, OPERATOR, Books, StartClient, StartGateway
from tests.integration.gateway.lorawan import EUI, chirpstack, place, publish, states, tts
from tests.integration.gateway.test_vzenith import SN, add_camera, passages, result

EVERYONES = Caller("operator", "root", frozenset({"operate"}), operators=None)
OURS = Caller("operator", "ours", frozenset({"operate"}), operators=frozenset({OPERATOR}))
RIVALS = Caller("operator", "theirs", frozenset({"operate"}), operators=frozenset({"rival"}))


@pytest.fixture
def api(db: Database) -> RejectedApi:
    return RejectedApi(db, Handlers(Recorder(OccupancySettings()).record_facts), audit.record)


async def listed(api: RejectedApi, caller: Caller) -> list[RejectedView]:
    return list((await api.list(caller)).items)


@pytest.mark.parametrize("registered", ["bay-1", EUI], ids=["by its name", "by its DevEUI"])
async def test_a_sensor_is_registered_late(
    api: RejectedApi,
    db: Database,
    start_gateway: StartGateway,
    start_client: StartClient,
    eventually: Eventually,
    registered: str,
) -> None:
    await start_gateway()
    publish(await start_client(), tts("01", count=1))
    (letter,) = await eventually(lambda: listed(api, EVERYONES))
    assert (letter.operator, letter.car_park, letter.reason) == (None, None, "unknown_device")
    assert await listed(api, OURS) == []

    await place(db, registered, "bosch-tps110")

    (ours,) = await listed(api, OURS)
    assert (ours.id, ours.operator, ours.car_park) == (letter.id, OPERATOR, CAR_PARK)
    assert [one.id for one in (await api.list(OURS, car_park=CAR_PARK)).items] == [letter.id]
    assert await listed(api, RIVALS) == []
    async with db.transaction() as tx:
        with pytest.raises(UnknownRejected):
            await api.replay(tx, RIVALS, letter.id)
        assert (await api.replay(tx, OURS, letter.id)).outcome == "recorded"
        kept = await tx.fetchrow("SELECT actor, operator, subject FROM registry.audit")
        await tx.execute("DELETE FROM registry.device")
    assert tuple(kept or ()) == (OURS.principal, OPERATOR, f"rejected/{letter.id}")
    assert await states(db) == {"B1-1": "occupied"}
    (replayed,) = (await api.list(OURS, replayed=True)).items
    assert replayed.id == letter.id


async def test_a_camera_is_registered_late(
    api: RejectedApi, db: Database, start_gateway: StartGateway, start_client: StartClient, eventually: Eventually
) -> None:
    await start_gateway()
    (await start_client()).link.publish(f"device/{SN}/message/up/ivs_result", result())
    await eventually(lambda: listed(api, EVERYONES))
    await add_camera(db)
    (letter,) = await listed(api, OURS)
    async with db.transaction() as tx:
        assert (await api.replay(tx, OURS, letter.id)).stored == 1
    assert len(await passages(db)) == 1


@pytest.mark.parametrize(("payload", "reason"), [(b"", "empty"), (b" " * 1_100_000, "oversized")])
async def test_what_has_no_readable_size_is_of_the_devices_operator_and_told_him(
    api: RejectedApi,
    db: Database,
    start_gateway: StartGateway,
    start_client: StartClient,
    books: Books,
    eventually: Eventually,
    payload: bytes,
    reason: str,
) -> None:
    await place(db, EUI, "bosch-tps110")
    await start_gateway()
    client = await start_client(f"parking/v1/{OPERATOR}/+/errors")
    topic, _ = chirpstack("01", count=1)
    client.link.publish(topic, payload)
    (told,) = await eventually(lambda: client.said("errors"))
    assert (told["reason"], told["topic"]) == (reason, topic)
    (letter,) = await listed(api, OURS)
    assert (letter.operator, letter.car_park, letter.payload_bytes) == (OPERATOR, CAR_PARK, len(payload))
    assert (await books())["dead"] == 1
