"""kill -9 of what is more than one process."""

import contextlib

import psutil

from app.embedded import EmbeddedPostgres


def kill_whole_server(server: EmbeddedPostgres) -> None:
    """The postmaster and every backend, as when the machine loses power but for the disk."""
    assert server.process is not None
    postmaster = psutil.Process(server.process.pid)
    family = [postmaster, *postmaster.children(recursive=True)]
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    server.process.wait()
    psutil.wait_procs(family[1:], timeout=10)
