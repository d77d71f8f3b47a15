"""What `berth up` says: each step as it is done (standard error), then the addresses (standard output)."""

import contextlib
import sys
from collections.abc import Iterator
from typing import Literal, TextIO

from msgspec.json import encode

from app.data_dir import Running
from kernel.clock import Clock


class Voice:
    """Steps with a spinner on a terminal, as plain lines elsewhere."""

    def __init__(self, clock: Clock, *, output: Literal["text", "json"]) -> None:
        self._clock = clock
        self._output = output
        self.on_terminal = sys.stderr.isatty() and output == "text"

    @contextlib.contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Say that `what` is being started, and how long it took."""
        started = self._clock.monotonic()
        with self._spinner(what):
            yield
        self.say(f"{what} ready in {self._clock.monotonic() - started:.1f} s")

    def say(self, sentence: str) -> None:
        """One line."""
        mark = "• " if self.on_terminal else "berth: "
        _write(sys.stderr, mark + sentence)

    def announce(self, running: Running, driver: str, operator: str) -> None:
        """Everything is ready: one line of JSON, or a table for people."""
        if self._output == "json":
            ready = {
                "http": running.http,
                "mqtt": running.mqtt,
                "mqtt_v5": running.mqtt_v5,
                "database": running.database,
                "tokens": {"driver": driver, "operator": operator},
            }
            _write(sys.stdout, encode(ready).decode())
            return
        rows = {
            "Map": running.http,
            "API": f"{running.http}/docs",
            "MQTT 3.1.1": running.mqtt,
            "MQTT 5": running.mqtt_v5,
            "Database": running.database,
            "Driver's token": driver,
            "Operator's key": operator,
        }
        width = max(len(name) for name in rows)
        lines = [f"  {name:<{width}}  {value}" for name, value in rows.items()]
        _write(sys.stdout, "\n".join(["", *lines, "", "  Ctrl-C stops everything; the data stays.", ""]))

    @contextlib.contextmanager
    def _spinner(self, what: str) -> Iterator[None]:
        if not self.on_terminal:
            yield
            return
        from rich.console import Console  # only a terminal pays for it

        with Console(stderr=True).status(f"{what} …"):
            yield


def _write(stream: TextIO, text: str) -> None:
    stream.write(text + "\n")
    stream.flush()
