"""The baseline of `ingest`, as a process: stock paho over MQTT 5 that receives, acknowledges, and does nothing else.

`python -m app.bench.stock_paho subscribe PORT` leaves a session with a subscription behind; `... drain PORT COUNT`
takes COUNT messages out of it and prints `{"seconds":...,"cpu_s":...}`, from the first message to the last.
Nothing is tuned but what every user must: Receive Maximum (else the broker sends 20 at a time) and session expiry.
"""

import sys
import time

import orjson
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from app.processes import LOOPBACK

CLIENT_ID = "bench-stock-paho"
RECEIVE_MAXIMUM = 4_000
TOPIC_FILTER = "parking/v1/+/+/spaces"


def main() -> None:
    """Raises SystemExit with a message when the broker cannot be reached."""
    action, port = sys.argv[1], int(sys.argv[2])
    client = Client(CallbackAPIVersion.VERSION2, CLIENT_ID, protocol=MQTTProtocolVersion.MQTTv5)
    if action == "subscribe":

        def on_connect(*_: object) -> None:
            client.subscribe(TOPIC_FILTER, qos=1)

        def on_subscribe(*_: object) -> None:
            client.disconnect()

        client.on_connect, client.on_subscribe = on_connect, on_subscribe
    else:
        wanted = int(sys.argv[3])
        seen = 0
        first_at = first_cpu = 0.0

        def on_message(_client: Client, _userdata: object, _message: MQTTMessage) -> None:
            nonlocal seen, first_at, first_cpu
            if seen == 0:
                first_at, first_cpu = time.perf_counter(), time.process_time()
            seen += 1
            if seen == wanted:
                seconds = time.perf_counter() - first_at
                print_line(seconds, time.process_time() - first_cpu)
                client.disconnect()

        client.on_message = on_message
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call] # paho leaves it untyped
    properties.ReceiveMaximum = RECEIVE_MAXIMUM
    properties.SessionExpiryInterval = 3_600
    client.connect(LOOPBACK, port, keepalive=600, clean_start=action == "subscribe", properties=properties)
    client.loop_forever()


def print_line(seconds: float, cpu_s: float) -> None:
    """The answer, on standard output."""
    sys.stdout.write(orjson.dumps({"seconds": seconds, "cpu_s": cpu_s}).decode() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
