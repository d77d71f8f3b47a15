"""What network servers publish, and what became of it: shared by the tests of LoRaWAN devices."""

import base64
from datetime import timedelta
from typing import Any

import msgspec

from kernel.clock import SystemClock
from kernel.db import Database
from tests.integration.gateway.conftest import CAR_PARK, OPERATOR, Client

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
