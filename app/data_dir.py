"""The data directory of `berth up`: who owns it now, where everything listens, and the secrets of embedded mode.

lock           held (flock) by the running supervisor; the kernel lets go of it however the supervisor ends
berth.json     addresses of what runs, for `berth replay`, `berth token` and the others; only while it runs
signing.json   the key that signs drivers' tokens when no OIDC issuer is set
promises.json  the key that signs passes and seals offers, unless a setting names another file
operator.key   the API key for every operator that `berth up` made at its first start
postgres/      the embedded database
"""

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct
from msgspec.json import decode, encode

from app.exit_codes import CommandFailed, Exit


class Running(Struct, frozen=True):
    """What runs on a data directory: addresses for outside clients, `database_socket` for our own processes."""

    pid: int
    http: str
    mqtt: str
    mqtt_v5: str
    database: str
    database_socket: str


class DataDir:
    """One data directory."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.signing_key = self.path / "signing.json"
        self.promises_key = self.path / "promises.json"
        self.operator_key = self.path / "operator.key"
        self._running = self.path / "berth.json"

    @contextlib.contextmanager
    def owned(self) -> Iterator[None]:
        """Own the directory until the block ends. Raises CommandFailed when another supervisor does."""
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self.path / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                running = self.running()
                where = f" (process {running.pid}, {running.http})" if running else ""
                message = f"berth is already running on {self.path}{where}; stop it or choose another --data-dir"
                raise CommandFailed(Exit.RUNNING_ALREADY, message) from None
            self._running.unlink(missing_ok=True)  # of a supervisor that was killed
            yield

    def running(self) -> Running | None:
        """What runs here now, None when nothing does."""
        try:
            return decode(self._running.read_bytes(), type=Running)
        except (FileNotFoundError, ValueError):
            return None

    @contextlib.contextmanager
    def announced(self, running: Running) -> Iterator[None]:
        """Tell other commands the addresses until the block ends; readable by us only, they hold passwords."""
        write_secret(self._running, json.dumps(json.loads(encode(running)), indent=1))
        try:
            yield
        finally:
            self._running.unlink(missing_ok=True)


def write_secret(path: Path, text: str) -> None:
    """Write a file that only we can read, all or nothing."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    fresh.replace(path)
