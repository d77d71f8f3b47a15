"""LoRaWAN devices end to end: what a network server publishes becomes the state of a space, once."""

from typing import Any

import pytest

from gateway.record import Handlers
from gateway.replay import replay_dead_letter
from kernel.db import Database
from occupancy.record import Recorder
from occupancy.settings import OccupancySettings
from tests.conftest import Eventually
from tests.integration.gateway.conftest import CAR_PARK, OPERATOR, Books, StartClient, StartGateway, books_are
from tests.integration.gateway.lorawan import EUI, chirpstack, place, publish, states, told, tts


async def test_both_network_servers_move_a_space(
    db: Database, start_gateway: StartGateway, start_client: StartClient, eventually: Eventually, books: Books
) -> None:
    await place(db, "bay-1", "bosch-tps110")
    await place(db, EUI, "nwave-nps405", space="B1-2")
    await start_gateway()
    client = await start_client()
    publish(client, tts("01", count=7))
    publish(client, chirpstack("95", count=3))

    async def both() -> bool:
        return await states(db) == {"B1-1": "occupied", "B1-2": "occupied"}

    await eventually(both)
    assert await books() == {"received": 2, "stored": 2, "duplicate": 0, "late": 0, "dead": 0}


async def test_an_uplink_heard_by_two_gateways_is_one_event(
    db: Database, start_gateway: StartGateway, start_client: StartClient, eventually: Eventually, books: Books
) -> None:
    await place(db, "bay-1", "bosch-tps110")
    await start_gateway()
    client = await start_client()
    first = tts("01", count=None, after_s=-60)
    for uplink in (first, first, tts("01", count=None, after_s=-58.5, gateway="gtw2"), tts("00", count=1, after_s=-30)):
        publish(client, uplink)
    await eventually(lambda: books_are(books, received=4))
    publish(client, tts("01", count=None, after_s=-57, gateway="gtw3"))  # from a gateway that had no line
    await eventually(lambda: books_are(books, received=5))
    assert await told(db) == ["occupied", "free"]
    assert await states(db) == {"B1-1": "free"}
    assert await books() == {"received": 5, "stored": 2, "duplicate": 3, "late": 0, "dead": 0}


async def test_after_a_join_the_counter_starts_again(
    db: Database, start_gateway: StartGateway, start_client: StartClient, eventually: Eventually, books: Books
) -> None:
    await place(db, EUI.lower(), "nwave-nps310")
    await start_gateway()
    client = await start_client()
    publish(client, chirpstack("01", count=4711, after_s=-90))
    publish(client, chirpstack("010d000200", count=None, port=3, address="0018ffff", after_s=-60))
    publish(client, chirpstack("01", count=1, address="0018ffff", after_s=-30))

    async def all_told() -> bool:
        return await told(db) == ["occupied", "free", "occupied"]

    await eventually(all_told)
    assert (await books())["stored"] == 3
    assert await states(db) == {"B1-1": "occupied"}


async def test_two_events_in_one_uplink_keep_their_order(
    db: Database, start_gateway: StartGateway, start_client: StartClient, eventually: Eventually, books: Books
) -> None:
    await place(db, EUI, "pni-placepod")  # found by the DevEUI inside: the network's own name is not registered
    await start_gateway()
    client = await start_client()
    publish(client, tts("156601156600", count=12, device="placepod-12"))
    publish(client, tts("0302016d026700eb", count=13, device="placepod-12"))
    await eventually(lambda: books_are(books, received=3))
    assert await told(db) == ["occupied", "free"]
    assert await states(db) == {"B1-1": "free"}
    assert (await books())["stored"] == 3  # the battery alone is a heartbeat


@pytest.mark.parametrize(
    ("frame", "port", "reason"),
    [
        ("", 1, "empty"),
        ("0101", 1, "wrong_length"),
        ("01", 9, "wrong_port"),
        ("01", None, "wrong_port"),
        ("240300007503000000000000001d0203", 3, "wrong_length"),
    ],
)
async def test_a_frame_that_says_nothing_frees_no_space(
    db: Database,
    start_gateway: StartGateway,
    start_client: StartClient,
    eventually: Eventually,
    books: Books,
    frame: str,
    port: int | None,
    reason: str,
) -> None:
    await place(db, "bay-1", "bosch-tps110")
    await start_gateway()
    client = await start_client(f"parking/v1/{OPERATOR}/+/errors")
    publish(client, tts("01", count=1, after_s=-60))
    publish(client, tts(frame, count=2, port=port, after_s=-30))
    (error,) = await eventually(lambda: client.said("errors"))
    assert error["reason"] == reason
    assert await states(db) == {"B1-1": "occupied"}
    assert await books() == {"received": 2, "stored": 1, "duplicate": 0, "late": 0, "dead": 1}
    async with db.transaction() as tx:
        letter = await tx.fetchrow("SELECT operator, car_park, codec FROM gateway.dead_letter")
    assert dict(letter or {}) == {"operator": OPERATOR, "car_park": CAR_PARK, "codec": "bosch-tps110-1"}


async def test_an_unknown_device_is_replayed_once_it_is_registered(
    db: Database, start_gateway: StartGateway, start_client: StartClient, eventually: Eventually, books: Books
) -> None:
    await start_gateway()
    client = await start_client()
    publish(client, tts("01", count=1))

    async def refused() -> Any:
        async with db.transaction() as tx:
            return await tx.fetchrow("SELECT id, reason, operator FROM gateway.dead_letter")

    letter = await eventually(refused)
    assert (letter["reason"], letter["operator"]) == ("unknown_device", None)
    await place(db, EUI, "bosch-tps110")
    async with db.transaction() as tx:
        handlers = Handlers(Recorder(OccupancySettings()).record_facts)
        replayed = await replay_dead_letter(tx, handlers, letter["id"], [OPERATOR])
    assert (replayed.stored, replayed.refused) == (1, ())
    assert await states(db) == {"B1-1": "occupied"}
    publish(client, tts("00", count=2, after_s=-1))

    async def freed() -> bool:
        return await states(db) == {"B1-1": "free"}

    await eventually(freed)
    assert (await books())["stored"] == 2


async def test_a_device_without_a_space_and_one_of_another_application(
    db: Database, start_gateway: StartGateway, start_client: StartClient, eventually: Eventually
) -> None:
    await place(db, "bay-1", "bosch-tps110", space=None)
    await place(db, "bay-2", "bosch-tps110", settings={"application": "parking@city"})
    await place(db, "bay-3", "em-what", space="B1-3")
    await place(db, "bay-4", "milesight-em400", space="B1-4")
    await start_gateway()
    client = await start_client(f"parking/v1/{OPERATOR}/+/errors")
    publish(client, tts("01", count=1))
    publish(client, tts("01", count=1, device="bay-2", application="elsewhere@city"))
    publish(client, tts("01", count=1, device="bay-3"))
    publish(client, tts("04820a00", count=1, device="bay-4"))
    await eventually(lambda: len(client.said("errors")) == 4)
    reasons = sorted(error["reason"] for error in client.said("errors"))
    assert reasons == ["foreign_device", "invalid_settings", "no_space", "unknown_profile"]
    assert await states(db) == {}
    publish(client, tts("01", count=1, device="bay-2"))

    async def moved() -> bool:
        return await states(db) == {"B1-1": "occupied"}

    await eventually(moved)


async def test_heartbeats_without_a_state_are_counted_and_told_to_who_watches(
    db: Database, start_gateway: StartGateway, start_client: StartClient, eventually: Eventually, books: Books
) -> None:
    await place(db, EUI, "elsys-generic")
    await start_gateway()
    client = await start_client()
    first = chirpstack("0100c6022a070e0a", count=5, port=5)
    publish(client, first)
    publish(client, first)
    topic, body = first
    status = {"time": body["time"], "deviceInfo": body["deviceInfo"], "margin": 10, "batteryLevel": 88.3}
    publish(client, (topic.replace("event/up", "event/status"), status))
    await eventually(lambda: books_are(books, received=3))
    assert await books() == {"received": 3, "stored": 2, "duplicate": 1, "late": 0, "dead": 0}
    assert await states(db) == {}


async def test_a_setting_holds_for_the_very_next_uplink(
    db: Database, start_gateway: StartGateway, start_client: StartClient, eventually: Eventually, books: Books
) -> None:
    await place(db, "bay-1", "milesight-em400", settings={"threshold_mm": 1_000})
    await start_gateway(directory_poll_s=3_600)  # nobody looks into the registry by itself
    client = await start_client()
    publish(client, tts("04824408", count=1, port=85, after_s=-60))  # 2,116 mm

    async def is_now(label: str, state: str) -> bool:
        return (await states(db)).get(label) == state

    await eventually(lambda: is_now("B1-1", "free"))
    await place(db, "bay-1", "milesight-em400", space="B1-2", settings={"threshold_mm": 2_200})
    publish(client, tts("04824408", count=2, port=85, after_s=-50))
    await eventually(lambda: is_now("B1-2", "occupied"))
    await place(db, "bay-1", "bosch-tps110", space="B1-3")
    publish(client, tts("01", count=3, after_s=-40))
    await eventually(lambda: is_now("B1-3", "occupied"))
    assert await books() == {"received": 3, "stored": 3, "duplicate": 0, "late": 0, "dead": 0}
