"""VZenith cameras on a real broker: results become passages, late ones too, everything else leaves no trace."""

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from contracts.facts import DeviceHeard
from kernel.clock import SystemClock
from kernel.db import Database, Tx
from tests.conftest import Eventually
from tests.integration.gateway.conftest import Books, StartClient, StartGateway, books_are
from tests.integration.gateway.lorawan import place

VECTOR = json.loads((Path(__file__).resolve().parents[2] / "data" / "cameras" / "vzenith_result.json").read_text())
SN = "c0ffee00-0badcafe"


def result(plate: str = "辽AD12345", *, ago_s: float = 5, sn: str = SN, **changes: Any) -> bytes:
    message = json.loads(json.dumps(VECTOR))
    message["sn"] = sn
    inner = message["payload"]["AlarmInfoPlate"]["result"]["PlateResult"]
    at = SystemClock().now().timestamp() - ago_s
    inner["timeStamp"]["Timeval"] = {"sec": int(at), "usec": int(at % 1 * 1_000_000)}
    inner.update(license=base64.b64encode(plate.encode()).decode(), **changes)
    return json.dumps(message).encode()


async def add_camera(db: Database, lane: str = "E1") -> None:
    await place(db, SN, "vzenith-ivs", space=None, settings={"lane": lane, "direction": "entry"})


async def passages(db: Database) -> list[Any]:
    async with db.transaction() as tx:
        return await tx.fetch("SELECT * FROM occupancy.passage ORDER BY at")


@pytest.mark.parametrize("topic", [f"device/{SN}/message/up", f"{SN}/device/message/up"])
async def test_a_result_is_a_passage_once(
    db: Database,
    start_gateway: StartGateway,
    start_client: StartClient,
    books: Books,
    eventually: Eventually,
    topic: str,
) -> None:
    await add_camera(db)
    heard: list[DeviceHeard] = []

    async def hear(tx: Tx, words: Sequence[DeviceHeard]) -> None:
        heard.extend(words)

    await start_gateway(on_heard=(hear,))
    camera = await start_client()
    live = result()
    for payload in (live, live, result("_无_", ago_s=3_600, isoffline=1, plateid=2)):
        camera.link.publish(f"{topic}/ivs_result", payload)
    for name in ("keep_alive", "gpio_in", "barr_gate_status"):
        camera.link.publish(f"{topic}/{name}", b'{"name":"%s"}' % name.encode())
    camera.link.publish(f"{topic}/ivs_result", b"{")
    await eventually(lambda: books_are(books, received=4))
    assert await books() == {"received": 4, "stored": 2, "duplicate": 1, "late": 0, "dead": 1}
    await eventually(lambda: [word.device for word in heard] == [SN] * 6)
    late, first = await passages(db)
    assert (first["plate"], first["color"], first["lane"]) == ("辽AD12345", "green", "E1")
    assert late["plate"] is None
    assert (first["at"] - late["at"]).total_seconds() > 3_000
    async with db.transaction() as tx:
        (letter,) = await tx.fetch("SELECT * FROM gateway.dead_letter")
    assert (letter["operator"], letter["reason"], letter["codec"]) == ("op", "malformed_json", "vzenith-ivs-2")


async def test_a_refused_camera_is_told_on_errors_and_replayable(
    db: Database, start_gateway: StartGateway, start_client: StartClient, eventually: Eventually
) -> None:
    await add_camera(db, lane="Z9")
    await start_gateway()
    camera = await start_client("parking/v1/op/mall-1/errors")
    camera.link.publish(f"device/{SN}/message/up/ivs_result", result())
    (told,) = await eventually(lambda: camera.said("errors"))
    assert (told["reason"], told["topic"]) == ("unknown_lane", f"device/{SN}/message/up/ivs_result")


async def test_a_camera_registered_a_moment_ago_is_heard(
    db: Database,
    start_gateway: StartGateway,
    start_client: StartClient,
    books: Books,
    eventually: Eventually,
) -> None:
    """Before anybody is refused as unknown, the registry is asked again."""
    await start_gateway(directory_poll_s=3_600)
    camera = await start_client()
    await add_camera(db)
    camera.link.publish(f"device/{SN}/message/up/ivs_result", result())
    await eventually(lambda: books_are(books, stored=1))


async def test_cameras_that_nobody_registered_fill_no_dead_letters_with_heartbeats(
    db: Database, start_gateway: StartGateway, start_client: StartClient, eventually: Eventually
) -> None:
    await start_gateway()
    camera = await start_client()
    for _ in range(5):
        camera.link.publish("device/nobody/message/up/keep_alive", b"{}")
    camera.link.publish("device/nobody/message/up/ivs_result", result(sn="nobody"))

    async def letters() -> list[Any]:
        async with db.transaction() as tx:
            return await tx.fetch("SELECT reason, count FROM gateway.dead_letter")

    (letter,) = await eventually(letters)
    assert (letter["reason"], letter["count"]) == ("unknown_device", 1)
