"""Trying it out and measuring it: `berth replay` and `berth bench`."""

from pathlib import Path
from typing import Annotated

import typer

from app.commands.options import DataDirOption, JsonOption, operator_key, running_on, settings_of, start_logs


def add_to(cli: typer.Typer) -> None:
    """Register the commands of this file."""
    cli.command()(replay)
    cli.command()(bench)


def replay(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Recorded occupancy, .csv or .csv.gz.")],
    *,
    operator: Annotated[str, typer.Option(help="Who owns the car parks that are missing.")] = "replay",
    speed: Annotated[
        float | None, typer.Option(min=0.001, help="Recorded seconds a second; without: as fast as it is taken.")
    ] = None,
    time_zone: Annotated[
        str | None, typer.Option(help="The recording's time zone, when it is not the known one.")
    ] = None,
    token: Annotated[str | None, typer.Option(help="An operator's key; without: the one of `berth up`.")] = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Tell a recording over MQTT as its car parks would have; ends when the last row is committed."""
    import asyncio

    from msgspec.json import encode

    from app.exit_codes import CommandFailed, Exit
    from kernel.clock import SystemClock
    from simulators.operator_api import NotAllowed
    from simulators.recording import UnknownRecording
    from simulators.replay import ReplayStalled, replay_file
    from simulators.replay_progress import progress_on_stderr

    settings = settings_of(data_dir)
    start_logs(settings, "replay")
    running = running_on(settings)
    try:
        with progress_on_stderr(file.name) as show:
            summary = asyncio.run(
                replay_file(
                    file,
                    http_url=running.http,
                    mqtt_url=running.mqtt,
                    token=operator_key(settings, token),
                    clock=SystemClock(),
                    operator=operator,
                    speed=speed,
                    time_zone=time_zone,
                    on_progress=show,
                )
            )
    except UnknownRecording as unknown:
        raise CommandFailed(Exit.USAGE, str(unknown)) from unknown
    except (NotAllowed, ReplayStalled) as failed:
        raise CommandFailed(Exit.FAILED, str(failed)) from failed
    if json:
        typer.echo(encode(summary).decode())
        return
    refused = sum(summary.refused_reasons.values())
    typer.echo(f"{summary.rows} rows of {summary.file} told in {summary.seconds:.1f} s, {refused} refused")
    for warning in summary.warnings:
        typer.echo(warning, err=True)


def bench(
    name: Annotated[str, typer.Argument(help="ingest, freshness or memory.")],
    runs: Annotated[int, typer.Option(min=1, max=50, help="Repetitions; the median counts.")] = 5,
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
        report = asyncio.run(run(name, runs=runs, progress=progress))
    except BenchImpossible as impossible:
        raise CommandFailed(Exit.USAGE, str(impossible)) from impossible
    if json:
        typer.echo(encode(report.document()).decode())
        return
    from rich.console import Console

    Console().print(report.table())
