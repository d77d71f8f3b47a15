"""A replay's progress on a terminal: a bar on stderr, or nothing when stderr is no terminal."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from simulators.replay_summary import ReplayProgress


@contextmanager
def progress_on_stderr(title: str) -> Iterator[Callable[[ReplayProgress], None]]:
    """What `replay_file` may call with its progress; the bar shows what is committed."""
    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=not console.is_terminal,
        disable=not console.is_terminal,
    ) as bars:
        told, committed = bars.add_task(f"{title}: told", total=None), bars.add_task("committed", total=None)

        def show(progress: ReplayProgress) -> None:
            bars.update(told, total=progress.rows, completed=progress.sent)
            bars.update(committed, total=progress.rows, completed=progress.committed)

        yield show
