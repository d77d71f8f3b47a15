"""Debian's Mosquitto for the tests that need what the embedded broker cannot: sessions that survive a restart, ACLs."""

import shutil
import signal
import subprocess
from pathlib import Path

from app.processes import LOOPBACK, await_ready, free_port, listens, spawn, stop

# The session of a gateway that is away is kept whole; every change is on disk soon, so that kill -9 loses little.
_CONFIGURATION = """
listener {port} {host}
allow_anonymous true
user {user}
persistence true
persistence_location {folder}/
autosave_on_changes true
autosave_interval 1
max_queued_messages 0
max_inflight_messages 1000
message_size_limit 4194304
set_tcp_nodelay true
log_dest stderr
log_type error
log_type warning
"""


class Mosquitto:
    """A Mosquitto of our own on a free loopback port; MQTT 3.1.1 and 5 on the same one."""

    def __init__(self, folder: Path, *, user: str, more: str = "") -> None:
        """`more` lines of configuration."""
        self.folder = folder
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self._configuration = folder / "mosquitto.conf"
        self._configuration.write_text(
            _CONFIGURATION.format(port=self.port, host=LOOPBACK, user=user, folder=folder) + more, encoding="utf-8"
        )

    @property
    def url(self) -> str:
        return f"mqtt://{LOOPBACK}:{self.port}"

    @property
    def url_v5(self) -> str:
        return self.url

    def __enter__(self) -> "Mosquitto":
        self.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start (again) on what was persisted."""
        self.process = spawn([mosquitto_program(), "-c", str(self._configuration)])
        if not await_ready(self.process, lambda: listens(self.port), patience_s=20.0):
            raise RuntimeError(f"mosquitto did not start on port {self.port}: exit {stop(self.process)}")

    def stop(self) -> None:
        """SIGTERM: it saves everything first."""
        if self.process is not None:
            stop(self.process)
            self.process = None

    def kill(self) -> None:
        """kill -9: it loses what it had not yet saved."""
        if self.process is not None:
            stop(self.process, signal.SIGKILL)
            self.process = None


def mosquitto_program() -> str:
    """Where it is installed."""
    program = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    if program is None:
        raise RuntimeError("mosquitto is not installed: `make test` installs it (apt-get install mosquitto)")
    return program
