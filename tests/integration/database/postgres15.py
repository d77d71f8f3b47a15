"""The operating system's PostgreSQL, as production has one: TCP, passwords, TLS, and a role that is no superuser."""

import secrets
import signal
import subprocess
from pathlib import Path

import asyncpg

from app.processes import LOOPBACK, await_ready, free_port, spawn, stop
from tests.integration.brokers.secured import DEPLOY

OLDEST = 15
"""The oldest version that we promise to run on, and Debian 12's."""


def programs() -> Path:
    """The folder of PostgreSQL's programs, of the oldest version installed that we promise."""
    found = sorted(
        (int(folder.parent.name), folder)
        for folder in Path("/usr/lib/postgresql").glob("*/bin")
        if folder.parent.name.isdigit() and int(folder.parent.name) >= OLDEST
    )
    if not found:
        raise RuntimeError("PostgreSQL is not installed: `make test` installs it (apt-get install postgresql)")
    return found[0][1]


class Postgres15:
    """`url()` is the address of an empty database that belongs to the role `berth`."""

    def __init__(self, folder: Path, *, tls: bool) -> None:
        self.port = free_port()
        self.ca_file = folder / "tls" / "ca.pem"
        self._folder = folder
        self._data = folder / "data"
        self._password = secrets.token_urlsafe(12)
        self._tls = tls
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, **parameters: str) -> str:
        query = "&".join(f"{name}={value}" for name, value in parameters.items())
        return f"postgresql://berth:{self._password}@{LOOPBACK}:{self.port}/berth?{query}".rstrip("?")

    async def start(self) -> None:
        secret = self._folder / "superuser"
        secret.write_text(self._password, encoding="utf-8")
        self._run("initdb", "-D", str(self._data), "-U", "admin", "--auth=scram-sha-256", f"--pwfile={secret}")
        options = ["-c", f"listen_addresses={LOOPBACK}", "-c", "unix_socket_directories="]
        if self._tls:
            tls = self.ca_file.parent
            subprocess.run([DEPLOY / "make-certificates.sh", tls, LOOPBACK], check=True, capture_output=True)
            options += ["-c", "ssl=on", "-c", f"ssl_cert_file={tls}/broker.pem", "-c", f"ssl_key_file={tls}/broker.key"]
            (self._data / "pg_hba.conf").write_text("hostssl all all 127.0.0.1/32 scram-sha-256\n", encoding="utf-8")
        with (self._folder / "postgres.log").open("wb") as log:
            argv = [str(programs() / "postgres"), "-D", str(self._data), "-p", str(self.port), *options]
            self._process = spawn(argv, as_nobody=True, stdout=log, stderr=log)
        assert await_ready(self._process, self._is_ready), (self._folder / "postgres.log").read_text()
        await self._as_admin(
            f"CREATE ROLE berth LOGIN PASSWORD '{self._password}'", "CREATE DATABASE berth OWNER berth"
        )

    def _is_ready(self) -> bool:
        """The eighth line of its pid file says so."""
        state = self._data / "postmaster.pid"
        lines = state.read_text(encoding="utf-8").splitlines() if state.exists() else []
        return len(lines) >= 8 and lines[7].strip() == "ready"

    def stop(self) -> None:
        if self._process is not None:
            stop(self._process, signal.SIGINT, signal.SIGQUIT)

    async def _as_admin(self, *statements: str) -> None:
        address = f"postgresql://admin:{self._password}@{LOOPBACK}:{self.port}/postgres"
        connection = await asyncpg.connect(address, ssl="require" if self._tls else "disable")
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    def _run(self, program: str, *arguments: str) -> None:
        with (self._folder / f"{program}.log").open("wb") as log:
            process = spawn([str(programs() / program), *arguments], as_nobody=True, stdout=log, stderr=log)
        code = process.wait(60)
        assert code == 0, (self._folder / f"{program}.log").read_text()
