"""Mosquitto as `deploy/mosquitto` sets it up: its very files, with another folder and another port."""

import re
import signal
import subprocess
from pathlib import Path

from app.processes import LOOPBACK, await_ready, free_port, listens, spawn, stop
from tests.mosquitto import mosquitto_program

DEPLOY = Path(__file__).resolve().parents[3] / "deploy" / "mosquitto"


class SecuredMosquitto:
    """`strict`: with the alternative that mosquitto.conf describes, by which every packet is on disk at once."""

    def __init__(self, folder: Path, *, user: str, strict: bool = False, names: tuple[str, ...] = (LOOPBACK,)) -> None:
        self.port = free_port()
        self.folder = folder
        self.store = folder / "store" / "berth.db"
        self.store.parent.mkdir()
        (folder / "acl").write_text((DEPLOY / "acl").read_text(encoding="utf-8"), encoding="utf-8")
        _run(DEPLOY / "make-certificates.sh", str(folder), *names)
        text = (DEPLOY / "mosquitto.conf").read_text(encoding="utf-8")
        for pattern, replacement in (
            (r"^listener 8883$", f"listener {self.port} {LOOPBACK}"),
            (r"/etc/mosquitto/berth/", f"{folder}/"),
            (r"/var/lib/mosquitto/", f"{self.store.parent}/"),
            *([(r"^autosave_on_changes false$", "autosave_on_changes true")] if strict else []),
        ):
            text, count = re.subn(pattern, replacement, text, flags=re.MULTILINE)
            assert count, f"mosquitto.conf has no {pattern}"
        self._configuration = folder / "mosquitto.conf"
        self._configuration.write_text(f"{text}\nuser {user}\n", encoding="utf-8")
        self._passwords: dict[str, str] = {}
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def ca_file(self) -> str:
        return str(self.folder / "ca.pem")

    def add_user(self, name: str, *options: str) -> None:
        """By `add-user.sh`; the password is kept for `url`."""
        told = dict(line.split(" ", 1) for line in _run(DEPLOY / "add-user.sh", "-d", str(self.folder), *options, name))
        self._passwords[told["user"]] = told["password"]

    def remove_user(self, name: str) -> None:
        _run(DEPLOY / "add-user.sh", "-d", str(self.folder), "--remove", name)

    def url(self, user: str, *, password: str | None = None) -> str:
        return f"mqtts://{user}:{password or self._passwords[user]}@{LOOPBACK}:{self.port}"

    def start(self) -> None:
        self.process = spawn([mosquitto_program(), "-c", str(self._configuration)])
        if not await_ready(self.process, lambda: listens(self.port), patience_s=20.0):
            raise RuntimeError(f"mosquitto did not start on port {self.port}: exit {stop(self.process)}")

    def reload(self) -> None:
        """SIGHUP: passwords and acl are read again."""
        assert self.process is not None
        self.process.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        if self.process is not None:
            stop(self.process)

    def kill(self) -> None:
        assert self.process is not None
        stop(self.process, signal.SIGKILL)


def _run(script: Path, *arguments: str) -> list[str]:
    done = subprocess.run([script, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()
