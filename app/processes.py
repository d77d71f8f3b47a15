"""Child processes that never outlive us.

Every process that `berth up` or a test starts goes through `spawn`: the kernel sends it a signal when its parent dies,
however the parent died, so `kill -9` of the supervisor leaves nothing behind. Linux only (prctl, pidfd).
"""

import asyncio
import contextlib
import ctypes
import os
import pwd
import signal
import socket
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

_PR_SET_PDEATHSIG = 1
_CLONE_NEWUSER = 0x10000000
_libc = ctypes.CDLL(None, use_errno=True)

LOOPBACK = "127.0.0.1"
PORT_TRIES = 5
"""A free port may be taken by somebody else between our look and the bind; this often in a row it is not chance."""


class EmbeddedFailed(RuntimeError):
    """An embedded part did not start; the message says why and where its log is."""


def spawn(
    argv: Sequence[str],
    *,
    death_signal: signal.Signals = signal.SIGTERM,
    as_nobody: bool = False,
    env: Mapping[str, str] | None = None,
    stdout: int | IO[bytes] | None = None,
    stderr: int | IO[bytes] | None = None,
) -> subprocess.Popen[bytes]:
    """Start `argv` in a session of its own (a Ctrl-C reaches only us); it gets `death_signal` when we die.

    `as_nobody` hides that we are root from a program that refuses root (PostgreSQL); without root it changes nothing.
    Raises OSError when the program is not there and SubprocessError when root cannot be hidden.
    """
    parent = os.getpid()
    hide_root = as_nobody and os.geteuid() == 0

    def before_exec() -> None:
        if hide_root:
            _hide_root()
        _libc.prctl(_PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != parent:  # the parent died before the line above
            os._exit(1)

    return subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        env=env,
        start_new_session=True,
        preexec_fn=before_exec,  # noqa: PLW1509 - it takes no lock that another thread may hold
    )


def _hide_root() -> None:
    """Enter a user namespace where root's files are ours but our user id is `nobody`.

    So data and program files need no other owner and no reachable path for another account, as `su` would.
    """
    nobody, group = pwd.getpwnam("nobody"), os.getegid()  # asked now: inside the namespace every id is unknown
    if _libc.unshare(_CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "unshare: this machine allows root no user namespace; run as another user")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{nobody.pw_uid} 0 1")
    Path("/proc/self/gid_map").write_text(f"{nobody.pw_gid} {group} 1")


def stop(process: subprocess.Popen[bytes], *signals: signal.Signals, patience_s: float = 8.0) -> int:
    """End `process` by `signals` (SIGTERM when none), `patience_s` apart, then by SIGKILL. Returns its exit code.

    A process that has ended already is no error, and is reaped.
    """
    for asked in signals or (signal.SIGTERM,):
        if process.poll() is not None:
            break
        process.send_signal(asked)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience_s)
    if process.poll() is None:
        process.kill()
    return process.wait()


def await_ready(process: subprocess.Popen[bytes], ready: Callable[[], bool], *, patience_s: float = 60.0) -> bool:
    """Ask `ready` every 20 ms until it says so (True), or until `process` has ended or patience has (False)."""
    interval_s = 0.02
    for _ in range(int(patience_s / interval_s)):
        if ready():
            return True
        try:
            process.wait(interval_s)
        except subprocess.TimeoutExpired:
            continue
        return False
    return False


async def exited(process: subprocess.Popen[bytes]) -> int:
    """Wait for the end of `process` without a thread. Returns its exit code (negative: the signal's number)."""
    if (code := process.poll()) is not None:
        return code
    loop = asyncio.get_running_loop()
    try:
        descriptor = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return process.wait()
    over = asyncio.Event()
    loop.add_reader(descriptor, over.set)
    try:
        await over.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
    return process.wait()


def free_port(preferred: int = 0, host: str = LOOPBACK) -> int:
    """`preferred` when nothing listens there, otherwise a free port of the machine's choice."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            taken: int = probe.getsockname()[1]
            return taken
    raise OSError(f"no free port on {host}")


def listens(port: int, host: str = LOOPBACK) -> bool:
    """Does anything accept connections on this port?"""
    try:
        with socket.create_connection((host, port), timeout=1.0):
            return True
    except OSError:
        return False
