"""Debian's Mosquitto for the benches: sessions kept in memory without limit, nothing on disk, nothing logged."""

import getpass
import shutil
import subprocess
from pathlib import Path

from app.bench.report import BenchImpossible
from app.processes import LOOPBACK, await_ready, free_port, listens, spawn, stop

_CONFIGURATION = """
listener {port} {host}
allow_anonymous true
user {user}
persistence false
max_queued_messages 0
max_queued_bytes 0
max_inflight_messages 0
max_packet_size 4194304
log_dest none
"""


class BenchBroker:
    """One Mosquitto on a free loopback port. Raises BenchImpossible on entering when there is none on the machine."""

    def __init__(self, folder: Path) -> None:
        self._configuration = folder / "mosquitto.conf"
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"mqtt://{LOOPBACK}:{self.port}"

    def __enter__(self) -> "BenchBroker":
        program = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
        if program is None:
            raise BenchImpossible("this bench needs Mosquitto 2: apt-get install mosquitto")
        self._configuration.write_text(
            _CONFIGURATION.format(port=self.port, host=LOOPBACK, user=getpass.getuser()), encoding="utf-8"
        )
        self.process = spawn([program, "-c", str(self._configuration)], stderr=subprocess.DEVNULL)
        if not await_ready(self.process, lambda: listens(self.port), patience_s=20.0):
            raise BenchImpossible(f"mosquitto did not start on port {self.port}: exit {stop(self.process)}")
        return self

    def __exit__(self, *exc: object) -> None:
        if self.process is not None:
            stop(self.process)
