"""LoRaWAN devices end to end: what a network server publishes becomes the state of a space, once."""

import base64
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from gateway.record import Handlers
from gateway.replay import replay_dead_letter
from kernel.callers import Caller
from kernel.clock import SystemClock
from kernel.db import Database
from occupancy.record import Recorder
from occupancy.settings import OccupancySettings
from tests.conftest import Eventually
from tests.integration.gateway.conftest import CAR_PARK, OPERATOR, Books, Client, StartClient, StartGateway

EUI = "70B3D52DD3000001"


async def place(
    db: Database, device: str, profile: str, *, space: str | None = "B1-1", settings: dict[str, Any] | None = None
) -> None:
    """Register a device, or change one."""
    async with db.transaction() as tx:
        await tx.execute(
            """INSERT INTO registry.device (id, operator, profile, car_park, space, settings, updated_at)
               VALUES ($1, $2, $3, $4, $5, $6, now())
               ON CONFLICT (id) DO UPDATE SET profile = EXCLUDED.profile, space = EXCLUDED.space,
                   settings = EXCLUDED.settings""",
            device,
            OPERATOR,
            profile,
            CAR_PARK,
            space,
            settings or {},
        )
        await tx.execute("UPDATE registry.revision SET value = value + 1")


def tts(
    frame: str,
    *,
    count: int | None,
    device: str = "bay-1",
    session: str = "AXA50tHUGUucuzS/bCGMNw==",
    port: int | None = 1,
    after_s: float = -60,
    gateway: str = "gtw1",
    application: str = "parking@city",
    dev_eui: str = EUI,
) -> tuple[str, dict[str, Any]]:
    """An uplink of The Things Stack, and its topic; `after_s` is when it was heard, from now."""
    at = (SystemClock().now() + timedelta(seconds=after_s)).isoformat()
    message: dict[str, Any] = {
        "session_key_id": session,
        "frm_payload": base64.b64encode(bytes.fromhex(frame)).decode(),
        "received_at": at,
        "rx_metadata": [{"gateway_ids": {"gateway_id": gateway}, "time": at, "rssi": -97, "snr": 5.5}],
        "decoded_payload": {"occupied": "the network server's own decoder is not asked"},
    }
    if count:
        message["f_cnt"] = count
    if port:
        message["f_port"] = port
    ids = {"device_id": device, "dev_eui": dev_eui, "dev_addr": "00BCB929"}
    body = {"end_device_ids": ids, "received_at": at, "uplink_message": message}
    return f"v3/{application}/devices/{device}/up", body


def chirpstack(
    frame: str, *, count: int | None, port: int = 1, address: str = "00189440", after_s: float = -60
) -> tuple[str, dict[str, Any]]:
    """An uplink of ChirpStack, and its topic."""
    body: dict[str, Any] = {
        "deduplicationId": f"3ac7e3c4-4401-4b8d-9386-{int(after_s * 1000) % 10**12:012d}",
        "time": (SystemClock().now() + timedelta(seconds=after_s)).isoformat(),
        "deviceInfo": {"devEui": EUI.lower(), "applicationId": "17c82e96"},
        "devAddr": address,
        "fPort": port,
        "data": base64.b64encode(bytes.fromhex(frame)).decode(),
        "rxInfo": [{"gatewayId": "0016c001f153a14c", "rssi": -36, "snr": 10.5}],
    }
    if count:
        body["fCnt"] = count
    return f"application/17c82e96/device/{EUI.lower()}/event/up", body


def publish(client: Client, uplink: tuple[str, dict[str, Any]]) -> None:
    topic, body = uplink
    client.link.publish(topic, msgspec.json.encode(body))


async def states(db: Database) -> dict[str, str]:
    async with db.transaction() as tx:
        rows = await tx.fetch(
            """SELECT label, state FROM occupancy.space_now AS now JOIN registry.space_directory AS known
               ON known.number = now.space"""
        )
    return {row["label"]: row["state"] for row in rows}


async def told(db: Database) -> list[str]:
    """The history of states, oldest first."""
    async with db.transaction() as tx:
        rows = await tx.fetch("SELECT state FROM occupancy.space_event ORDER BY at, epoch, seq")
    return [row["state"] for row in rows]


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

    async def all_booked() -> bool:
        return (await books())["received"] == 4

    await eventually(all_booked)
    publish(client, tts("01", count=None, after_s=-57, gateway="gtw3"))  # from a gateway that had no line

    async def the_late_one_too() -> bool:
        return (await books())["received"] == 5

    await eventually(the_late_one_too)
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

    async def all_booked() -> bool:
        return (await books())["received"] == 3

    await eventually(all_booked)
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
    everyone = Caller(kind="operator", id="root", scopes=frozenset({"operate"}), operators=None)
    async with db.transaction() as tx:
        handlers = Handlers(Recorder(OccupancySettings()).record_facts)
        replayed = await replay_dead_letter(tx, handlers, everyone, letter["id"])
    assert (replayed.stored, replayed.refused) == (1, ())
    assert await states(db) == {"B1-1": "occupied"}
    publish(client, tts("00", count=2, after_s=-1))

    async def freed() -> bool:
        return await states(db) == {"B1-1": "free"}

    await eventually(freed)
    assert (await books())["stored"] == 2


async def test_a_device_without_a_space_and_one_of_another_application(
    db: Database, start_gateway: StartGateway, start_client: StartClient, eventually: Eventually, books: Books
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

    async def all_booked() -> bool:
        return (await books())["received"] == 3

    await eventually(all_booked)
    assert await books() == {"received": 3, "stored": 2, "duplicate": 1, "late": 0, "dead": 0}
    assert await states(db) == {}
