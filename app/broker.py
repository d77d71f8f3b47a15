"""The embedded MQTT broker as a program: `python -m app.broker V3_PORT V5_PORT`.

rumqttd has no way to stop and logs without measure, so it gets a process of its own, started by `app/embedded.py`.
It keeps nothing over a restart: for trying, developing and testing, not for a city.
"""

import logging
import sys
import tempfile
from pathlib import Path

from iotcore.iotcore import IotCoreBroker

CONFIGURATION = """
id = 0

# One log per subscribed filter, in memory: 8 MiB segments so that a 1 MiB snapshot fits several times, 12 of them so
# that a gateway that was away half a minute at 1,000 messages/s finds everything: 96 MiB a filter at the very most.
[router]
id = 0
max_connections = 10010
max_outgoing_packet_count = 1000
max_segment_size = 8388608
max_segment_count = 12

[v4.1]
name = "v3.1.1"
listen = "127.0.0.1:{v3_port}"
next_connection_delay_ms = 1
    [v4.1.connections]
    connection_timeout_ms = 30000
    max_payload_size = {payload_bytes_max}
    max_inflight_count = 1000
    dynamic_filters = true

[v5.1]
name = "v5"
listen = "127.0.0.1:{v5_port}"
next_connection_delay_ms = 1
    [v5.1.connections]
    connection_timeout_ms = 30000
    max_payload_size = {payload_bytes_max}
    max_inflight_count = 1000
    dynamic_filters = true
"""

PAYLOAD_BYTES_MAX = 4 * 1024 * 1024  # above the contract's 1 MiB, so that the gateway can refuse with a reason


def main() -> None:
    """Serve until a signal ends the process."""
    v3_port, v5_port = (int(argument) for argument in sys.argv[1:3])
    logging.basicConfig(level=logging.ERROR, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("rumqttd").setLevel(logging.CRITICAL)  # it calls every packet an error
    with tempfile.NamedTemporaryFile("w", suffix=".toml", prefix="berth-broker-") as file:
        file.write(CONFIGURATION.format(v3_port=v3_port, v5_port=v5_port, payload_bytes_max=PAYLOAD_BYTES_MAX))
        file.flush()
        broker = IotCoreBroker(config_path=str(Path(file.name)))
    broker.run_forever()


if __name__ == "__main__":
    main()
