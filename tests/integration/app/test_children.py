"""Children are kept running, given up only when they say that trying again cannot help, and always end."""

import asyncio
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from app.children import BACK_OFF_S_MAX, BACK_OFF_S_MIN, STILLBIRTHS_MAX, Child, Children
from app.exit_codes import CommandFailed, Exit
from app.processes import await_ready, exited, free_port, listens, spawn, stop
from kernel.clock import ManualClock
from tests.conftest import Eventually

SLEEPER = "import signal; signal.pause()"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); signal.pause()"


class Launcher:
    """Starts a Python program, and remembers every process it started."""

    def __init__(self, program: str) -> None:
        self.program = program
        self.started: list[subprocess.Popen[bytes]] = []

    def __call__(self) -> subprocess.Popen[bytes]:
        self.started.append(spawn([sys.executable, "-c", self.program]))
        return self.started[-1]


async def test_a_killed_child_is_started_again_after_the_back_off(clock: ManualClock, eventually: Eventually) -> None:
    launch = Launcher(SLEEPER)
    async with Children(clock).kept(Child("sleeper", launch)):
        await eventually(lambda: len(launch.started) == 1)
        launch.started[0].kill()
        await exited(launch.started[0])
        await asyncio.gather(*[clock.sleep(0) for _ in range(3)])
        assert len(launch.started) == 1
        clock.advance(BACK_OFF_S_MIN)
        await eventually(lambda: len(launch.started) == 2)
    assert launch.started[1].poll() == -signal.SIGTERM


async def test_a_child_whose_settings_are_wrong_ends_the_wait(clock: ManualClock) -> None:
    children = Children(clock)
    async with children.kept(Child("api", Launcher(f"raise SystemExit({Exit.USAGE})"))):
        with pytest.raises(CommandFailed, match="api cannot start") as failed:
            await children.watched(asyncio.Event().wait())
    assert failed.value.code is Exit.USAGE


async def test_a_child_that_never_comes_up_is_given_up(clock: ManualClock, eventually: Eventually) -> None:
    launch, children = Launcher("raise SystemExit(1)"), Children(clock)
    async with children.kept(Child("api", launch)):
        waiting = asyncio.create_task(children.watched(asyncio.Event().wait()))

        def given_up() -> bool:
            if launch.started and launch.started[-1].poll() is not None:  # no time passes while one runs
                clock.advance(BACK_OFF_S_MAX)
            return waiting.done()

        await eventually(given_up, within_s=60)
    with pytest.raises(CommandFailed, match="api ended 5 times"):
        waiting.result()
    assert len(launch.started) == STILLBIRTHS_MAX


async def test_a_child_that_ignores_sigterm_is_killed_when_patience_ends() -> None:
    process = spawn([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process.stdout as said:
        assert said.readline() == b"deaf\n"
    await Child("deaf", Launcher(SLEEPER), running=process, patience_s=0.2).end()
    assert process.poll() == -signal.SIGKILL


def test_stop_of_an_ended_process_only_reaps_it() -> None:
    process = spawn([sys.executable, "-c", "raise SystemExit(7)"])
    assert process.wait(20) == 7
    assert stop(process) == 7


def test_waiting_for_readiness_ends_with_the_process() -> None:
    process = spawn([sys.executable, "-c", ""])
    assert not await_ready(process, lambda: False, patience_s=20)
    assert process.poll() == 0


def test_a_program_that_refuses_root_is_told_that_we_are_somebody_else(tmp_path: Path) -> None:
    told = tmp_path / "uid"
    program = f"import os, pathlib; pathlib.Path({str(told)!r}).write_text(str(os.geteuid()))"
    assert spawn([sys.executable, "-c", program], as_nobody=True).wait(20) == 0
    assert int(told.read_text()) != 0
    assert told.stat().st_uid == psutil.Process().uids().effective


def test_a_taken_port_is_not_preferred() -> None:

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert listens(port)
        assert free_port(port) != port
    assert free_port(port) == port
