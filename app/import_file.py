"""`berth import FILE`: a feed into the database of a running city, its live numbers included."""

from pathlib import Path

from app.exit_codes import CommandFailed, Exit
from app.settings import BerthSettings
from kernel.clock import Clock
from kernel.db import Database, DatabaseAway
from kernel.problems import Problem
from occupancy.record import Recorder
from registry.http.imports import ImportView
from registry.import_feed import ImportOptions, import_file
from registry.time_zones import is_time_zone


async def import_here(
    url: str, file: Path, settings: BerthSettings, options: ImportOptions, clock: Clock
) -> ImportView:
    """What became of every record of `file`. Raises CommandFailed; a bad record is no failure."""
    if options.time_zone is not None and not is_time_zone(options.time_zone):
        raise CommandFailed(Exit.USAGE, f"{options.time_zone} is not an IANA time zone such as Asia/Shanghai")
    database = Database(url, clock, connections_max=2, name="berth import")
    try:
        await database.open()
        record_facts = Recorder(settings.occupancy).record_facts
        result = await import_file(database, file, settings.registry, options, on_counts=record_facts)
    except DatabaseAway as away:
        raise CommandFailed(Exit.UNREACHABLE, away.detail) from away
    except Problem as problem:
        raise CommandFailed(Exit.FAILED, problem.detail) from problem
    finally:
        await database.close()
    return ImportView.of(result, dry_run=options.dry_run)
