"""PostgreSQL and an MQTT broker out of wheels: no set-up, for trying, developing and testing.

`berth up` starts these when no address is given; the test fixtures start the same two. Production brings its own.
Both are durable only as far as their makers are: PostgreSQL is the real one, the broker forgets at a restart.
"""

import contextlib
import signal
import subprocess
import sys

import psutil

from app.postgres import EmbeddedPostgres
from app.processes import LOOPBACK, PORT_TRIES, EmbeddedFailed, await_ready, free_port, spawn, stop

__all__ = ["EmbeddedBroker", "EmbeddedFailed", "EmbeddedPostgres"]


class EmbeddedBroker:
    """rumqttd in a child process: MQTT 3.1.1 on one loopback port, MQTT 5 on another."""

    def __init__(self, *, port: int = 0, port_v5: int = 0) -> None:
        self._ports_were_asked = port != 0 or port_v5 != 0
        self.port = port or free_port(18830)
        self.port_v5 = port_v5 or free_port(18831)
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"mqtt://{LOOPBACK}:{self.port}"

    @property
    def url_v5(self) -> str:
        return f"mqtt://{LOOPBACK}:{self.port_v5}"

    def start(self) -> None:
        """Returns when both ports accept connections. Raises EmbeddedFailed."""
        for _ in range(PORT_TRIES):
            process = self.launch()
            if await_ready(process, self.is_ready, patience_s=10.0):
                return
            code = stop(process)
            tried = f"{self.port} and {self.port_v5}"
            if self._ports_were_asked:
                break
            self.port, self.port_v5 = free_port(), free_port()  # somebody took one between our look and its bind
        raise EmbeddedFailed(f"the broker did not start on ports {tried} (exit {code})")

    def is_ready(self) -> bool:
        """Whether our own process, and not somebody else's, listens on both ports."""
        if self.process is None:
            return False
        with contextlib.suppress(psutil.Error):
            found = psutil.Process(self.process.pid).net_connections(kind="tcp")
            ours = {connection.laddr.port for connection in found if connection.status == psutil.CONN_LISTEN}
            return {self.port, self.port_v5} <= ours
        return False

    def launch(self) -> subprocess.Popen[bytes]:
        """Start, without waiting until it accepts connections."""
        if self.process is not None:
            stop(self.process, patience_s=2.0)
        self.process = spawn(
            [sys.executable, "-m", "app.broker", str(self.port), str(self.port_v5)], death_signal=signal.SIGKILL
        )
        return self.process

    def stop(self) -> None:
        """It keeps nothing, so it is simply ended."""
        if self.process is not None:
            stop(self.process, patience_s=2.0)
            self.process = None

    def __enter__(self) -> "EmbeddedBroker":
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()
