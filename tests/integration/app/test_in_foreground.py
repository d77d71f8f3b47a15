"""Ctrl-C in `make demo`: the demo ends well, and so does make."""

import fcntl
import os
import pty
import subprocess
import sys
import termios
from io import FileIO
from pathlib import Path

import pytest

from app.processes import stop

SCRIPT = Path(__file__).resolve().parents[3] / "scripts" / "in_foreground"
COMMAND = """
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
print("up", flush=True)
signal.sigwait({signal.SIGINT})
print("stopped", flush=True)
"""


@pytest.mark.parametrize(("way", "code"), [(f"{sys.executable} {SCRIPT} ", 0), ("", -2)], ids=["in_foreground", "bare"])
def test_make_ends_as_well_as_its_recipe(tmp_path: Path, way: str, code: int) -> None:
    (tmp_path / "command.py").write_text(COMMAND)
    (tmp_path / "Makefile").write_text(f"demo:\n\t@exec {way}{sys.executable} command.py\n")
    ours, theirs = pty.openpty()

    def take_terminal() -> None:
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    make = subprocess.Popen(
        # As a terminal starts it, also where `make test` runs this, or a shell that ignores Ctrl-C for it.
        ["env", "--default-signal=INT", "-u", "MAKEFLAGS", "-u", "MAKELEVEL", "-u", "MFLAGS", "make", "demo"],
        cwd=tmp_path,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        preexec_fn=take_terminal,  # noqa: PLW1509 - it takes no lock that another thread may hold
    )
    os.close(theirs)
    try:
        with FileIO(ours, "r+") as terminal:
            assert terminal.readline() == b"up\r\n"
            terminal.write(b"\x03")
            assert terminal.readline() == b"^Cstopped\r\n"
            assert make.wait(10) == code
            assert way == "" or rest_of(terminal) == b""
    finally:
        stop(make)


def rest_of(terminal: FileIO) -> bytes:
    """What is still to be read from a terminal that everybody has left."""
    try:
        return terminal.read(1000) or b""
    except OSError:  # EIO: nobody has it open any more
        return b""
