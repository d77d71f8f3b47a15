"""One role of Berth as production runs it: `berth serve ROLE`, told by settings only where its parts are."""

import subprocess
from pathlib import Path

from app.bench.berth_command import berth_command
from app.bench.report import BenchImpossible
from app.processes import LOOPBACK, spawn, stop
from app.readiness import is_ready
from kernel.clock import Clock
from kernel.settings import child_environment

READY_S_MAX = 60.0
READY_ASKED_S = 0.2


class RoleProcess:
    """One process that can be started and stopped again; its log is kept in `folder`."""

    def __init__(
        self, role: str, folder: Path, *, database_url: str, mqtt_url: str, settings: dict[str, str] | None = None
    ) -> None:
        self.role = role
        self.log = folder / f"{role}.log"
        self._settings = {
            "BERTH_DATABASE_URL": database_url,
            "BERTH_MQTT_URL": mqtt_url,
            "BERTH_DATA_DIR": str(folder),
            **(settings or {}),
        }
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        if self.process is None:
            raise RuntimeError(f"{self.role} is not running")
        return self.process.pid

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        """Returns at once; whoever waits for it to be ready watches the database."""
        with self.log.open("ab") as log:
            self.process = spawn(
                [*berth_command(), "serve", self.role],
                env=child_environment(**self._settings),
                stdout=log,
                stderr=log,
            )

    async def until_ready(self, clock: Clock, port: int) -> None:
        """Return when it answers on `port` that it is ready. Raises BenchImpossible with its last words."""
        deadline = clock.monotonic() + READY_S_MAX
        while not await is_ready(f"http://{LOOPBACK}:{port}"):
            if not self.is_running() or clock.monotonic() > deadline:
                raise BenchImpossible(f"the {self.role} does not become ready: {self.last_words()}")
            await clock.sleep(READY_ASKED_S)

    def stop(self, *, patience_s: float = 20.0) -> int:
        """SIGTERM and wait; the exit code."""
        if self.process is None:
            return 0
        code = stop(self.process, patience_s=patience_s)
        self.process = None
        return code

    def kill(self) -> None:
        """kill -9."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def last_words(self) -> str:
        """The end of its log, for an error message."""
        return self.log.read_text(errors="replace")[-3000:] if self.log.exists() else "(no log)"
