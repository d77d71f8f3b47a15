"""`berth up` as an outsider sees it: a command, one line of JSON, addresses, signals, an exit code."""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import psutil
from msgspec import Struct


class Ready(Struct, frozen=True):
    """The line that `berth up --json` prints."""

    http: str
    mqtt: str
    mqtt_v5: str
    database: str
    tokens: dict[str, str]


def berth(*arguments: str) -> list[str]:
    """The command line of `berth ARGUMENTS` with the interpreter that runs the tests."""
    return [sys.executable, "-m", "app.cli", *arguments]


class City:
    """A running `berth up`."""

    def __init__(self, data_dir: Path, *arguments: str) -> None:
        self.data_dir = data_dir
        self.log = data_dir.with_suffix(".log")
        command = berth("up", "--json", "--port", "0", "--data-dir", str(data_dir), *arguments)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            code = self.process.wait()
            self.process.stdout.close()
            raise AssertionError(f"berth up ended with {code}:\n{self.log.read_text()[-4000:]}")
        self.line: dict[str, Any] = json.loads(line)
        self.ready = Ready(**self.line)

    def processes(self) -> list[psutil.Process]:
        """Every process below the supervisor."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def child(self, *words: str) -> psutil.Process:
        """The one direct child whose command line ends in `words`."""
        children = psutil.Process(self.process.pid).children()
        (found,) = (child for child in children if child.cmdline()[-len(words) :] == list(words))
        return found

    def get(self, path: str, token: str | None = None) -> Any:
        """The JSON that the API answers. Raises urllib.error.URLError, HTTPError."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        request = urllib.request.Request(self.ready.http + path, headers=headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read())

    def send(self, method: str, path: str, body: object = None) -> int:
        """Ask for a change with the operator's key; the status. Raises urllib.error.HTTPError when it is refused."""
        headers = {"Authorization": f"Bearer {self.ready.tokens['operator']}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.ready.http + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return int(answer.status)

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.process.terminate()
        try:
            return self.process.wait(25)
        finally:
            self.kill()

    def kill(self) -> None:
        """kill -9 of the supervisor, and of it alone."""
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
