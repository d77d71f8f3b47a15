"""Measuring it: `berth bench`."""

from typing import Annotated

import typer

from app.commands.options import JsonOption


def add_to(cli: typer.Typer) -> None:
    """Register the commands of this file."""
    cli.command()(bench)


def bench(
    name: Annotated[
        str, typer.Argument(help="ingest storm outage noise freshness memory reserve search billing: one.")
    ],
    runs: Annotated[int, typer.Option(min=1, max=50, help="Repetitions; the median counts.")] = 5,
    seconds: Annotated[int | None, typer.Option(min=10, max=3600, help="Only of `outage`: how long; 60.")] = None,
    json: JsonOption = False,
) -> None:
    """Measure, each figure beside a baseline taken in the same run."""
    import asyncio

    from msgspec.json import encode

    from app.bench import BenchImpossible, run
    from app.exit_codes import CommandFailed, Exit

    def progress(sentence: str) -> None:
        typer.echo(sentence, err=True)

    try:
        report = asyncio.run(run(name, runs=runs, seconds=seconds, progress=progress))
    except BenchImpossible as impossible:
        raise CommandFailed(Exit.USAGE, str(impossible)) from impossible
    if json:
        typer.echo(encode(report.document()).decode())
        return
    from rich.console import Console

    Console().print(report.table())
