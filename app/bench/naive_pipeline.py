"""The baseline of `ingest` that many start with, as a process: aiomqtt, and one INSERT for each message.

`python -m app.bench.naive_pipeline subscribe PORT DATABASE_URL` leaves a session with a subscription behind; `... drain
PORT DATABASE_URL COUNT` stores COUNT messages and prints `{"seconds":...,"cpu_s":...}`, from the first to the last.
It keeps no state, checks nothing, and what it acknowledges it has not stored yet: less work than ours in every way.
"""

import asyncio
import sys
import time

import aiomqtt
import asyncpg
import orjson
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from app.bench.stock_paho import RECEIVE_MAXIMUM, TOPIC_FILTER, print_line
from app.processes import LOOPBACK

INSERT = """
INSERT INTO bench.naive_event (car_park, space, state, at, seq, received_at)
VALUES ($1, $2, $3, $4::text::timestamptz, $5, now())"""


async def main() -> None:
    """Raises SystemExit with a message when the broker cannot be reached."""
    action, port, database_url = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call] # paho leaves it untyped
    properties.ReceiveMaximum = RECEIVE_MAXIMUM
    properties.SessionExpiryInterval = 3_600
    client = aiomqtt.Client(
        LOOPBACK,
        port,
        identifier="bench-naive",
        protocol=aiomqtt.ProtocolVersion.V5,
        clean_start=action == "subscribe",
        properties=properties,
        keepalive=600,
    )
    connection = await asyncpg.connect(database_url)
    async with client:
        if action == "subscribe":
            await client.subscribe(TOPIC_FILTER, qos=1)
            return
        wanted, seen = int(sys.argv[4]), 0
        first_at = first_cpu = 0.0
        async for message in client.messages:
            if seen == 0:
                first_at, first_cpu = time.perf_counter(), time.process_time()
            car_park = message.topic.value.split("/")[3]
            for event in orjson.loads(bytes(message.payload))["events"]:
                await connection.execute(INSERT, car_park, event["space"], event["state"], event["at"], event["seq"])
            seen += 1
            if seen == wanted:
                print_line(time.perf_counter() - first_at, time.process_time() - first_cpu)
                break
    await connection.close()


if __name__ == "__main__":
    asyncio.run(main())
