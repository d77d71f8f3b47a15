"""The database: `berth migrate`."""

import typer

from app.commands.options import DataDirOption, JsonOption, running_on, settings_of, start_logs


def add_to(cli: typer.Typer) -> None:
    """Register the commands of this file."""
    cli.command()(migrate)


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
