"""The database: `berth migrate` and `berth import`."""

from pathlib import Path
from typing import Annotated

import typer

from app.commands.options import DataDirOption, JsonOption, running_on, settings_of, start_logs


def add_to(cli: typer.Typer) -> None:
    """Register the commands of this file."""
    cli.command()(migrate)
    cli.command("import")(import_)


def migrate(data_dir: DataDirOption = None, json: JsonOption = False) -> None:
    """Bring the database's schema to the one of this version."""
    import asyncio

    from msgspec.json import encode

    from app.exit_codes import CommandFailed, Exit
    from app.patience import database_awaited
    from kernel.clock import SystemClock
    from kernel.migrate import SchemaMismatch, migrate, migrations_of

    settings = settings_of(data_dir)
    start_logs(settings, "migrate")
    url = settings.database_url or running_on(settings).database_socket
    try:
        applied = asyncio.run(database_awaited(lambda: migrate(url, migrations_of()), SystemClock()))
    except SchemaMismatch as mismatch:
        raise CommandFailed(Exit.SCHEMA_MISMATCH, str(mismatch)) from mismatch
    names = [f"{one.number:04}_{one.name}" for one in applied]
    typer.echo(encode({"applied": names}).decode() if json else "\n".join(names) or "nothing to do")


def import_(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="GeoJSON, CSV, ParkAPI or DATEX II.")],
    *,
    operator: Annotated[str | None, typer.Option(help="Whose car parks these are; without: the publisher's.")] = None,
    time_zone: Annotated[str | None, typer.Option(help="Of times without an offset; without: the city's.")] = None,
    epsg: Annotated[int | None, typer.Option(help="The grid of coordinates in metres that name none.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would become of it.")] = False,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Take over car parks, and their live numbers, from a file; what is refused is listed with the reason."""
    import asyncio

    from app.exit_codes import CommandFailed, Exit
    from app.import_file import import_here
    from kernel.clock import SystemClock
    from registry.import_feed import ImportOptions

    settings = settings_of(data_dir)
    start_logs(settings, "import")
    url = settings.database_url or running_on(settings).database_socket
    options = ImportOptions(operator=operator, time_zone=time_zone, epsg=epsg, dry_run=dry_run)
    told = asyncio.run(import_here(url, file, settings, options, SystemClock()))
    if json:
        typer.echo(told.model_dump_json())
    else:
        for refused in told.rejected:
            where = refused.id or (f"record {refused.index + 1}" if refused.index >= 0 else "the file")
            what = f"{where} {refused.field}".rstrip()
            typer.echo(f"refused: {what}: {refused.reason}, {refused.detail}", err=True)
        typer.echo(f"{len(told.accepted)} taken, {len(told.rejected)} refused, {told.counts} live numbers")
    if not told.accepted:
        raise CommandFailed(Exit.FAILED, f"nothing of {file} was taken")
