"""Looking at it: `berth config`, `berth doctor` and `berth openapi`."""

import typer

from app.commands.options import DataDirOption, JsonOption, settings_of


def add_to(cli: typer.Typer) -> None:
    """Register the commands of this file."""
    cli.command()(config)
    cli.command()(doctor)
    cli.command()(openapi)


def config(data_dir: DataDirOption = None, json: JsonOption = False) -> None:
    """Print every setting with its value, secrets masked."""
    from msgspec.json import encode

    from kernel.settings import described

    rows = list(described(settings_of(data_dir)))
    if json:
        typer.echo(encode({name: value for name, value, _ in rows}).decode())
        return
    width = max(len(f"{name}={value}") for name, value, _ in rows if len(value) < 60)
    for name, value, meaning in rows:
        typer.echo(f"{f'{name}={value}':<{width}}  # {meaning}" if meaning else f"{name}={value}")


def doctor(data_dir: DataDirOption = None, json: JsonOption = False) -> None:
    """Check what Berth stands on, and say what to do about what is wrong. Exit code 1 when something is."""
    import asyncio

    from msgspec.json import encode
    from msgspec.structs import asdict

    from app.doctor import examine
    from app.exit_codes import Exit
    from kernel.clock import SystemClock

    findings = asyncio.run(examine(settings_of(data_dir), SystemClock()))
    if json:
        typer.echo(encode([asdict(finding) for finding in findings]).decode())
    else:
        for finding in findings:
            typer.echo(f"{'ok  ' if finding.ok else 'FAIL'}  {finding.part:<10}  {finding.found}")
            if finding.advice:
                typer.echo(f"{'':<18}{finding.advice}")
    if not all(finding.ok for finding in findings):
        raise typer.Exit(Exit.FAILED)


def openapi() -> None:
    """Print the API's description (OpenAPI 3.1)."""
    import json

    from app.describe import describe_api
    from kernel.clock import SystemClock

    typer.echo(json.dumps(describe_api(settings_of(), SystemClock()), ensure_ascii=False, indent=1))
