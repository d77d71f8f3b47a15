"""Options that several commands share, and the settings they make."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from app.data_dir import Running
    from app.settings import BerthSettings

DataDirOption = Annotated[
    Path | None, typer.Option("--data-dir", help="Where `berth up` keeps its data; BERTH_DATA_DIR, or var.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def settings_of(data_dir: Path | None = None, *, makes_data: bool = False) -> "BerthSettings":
    """The settings of this process; a given data directory wins, and must be there unless the command `makes_data`.

    Raises SettingsRefused, CommandFailed.
    """
    from app.exit_codes import CommandFailed, Exit
    from app.settings import BerthSettings
    from kernel.settings import load

    if data_dir is None:
        return load(BerthSettings)
    if not makes_data and not data_dir.is_dir():
        message = f"there is no data directory {data_dir}: name the --data-dir of `berth up`, which makes it"
        raise CommandFailed(Exit.USAGE, message)
    return load(BerthSettings, data_dir=data_dir)


def start_logs(settings: "BerthSettings", role: str) -> None:
    """Log as the settings say, with `role` on every line."""
    from kernel import logs

    logs.configure(level=settings.log_level, style=settings.log_style, role=role)


def running_on(settings: "BerthSettings") -> "Running":
    """The addresses of what `berth up` runs on the data directory; settings win. Raises CommandFailed."""
    from msgspec.structs import replace

    from app.data_dir import DataDir, Running
    from app.exit_codes import CommandFailed, Exit

    http = f"http://{settings.http_host}:{settings.http_port}"
    found = DataDir(settings.data_dir).running()
    if found is None:
        if not (settings.database_url and settings.mqtt_url):
            message = f"nothing runs on {settings.data_dir.resolve()}: start `berth up`, or name its --data-dir"
            raise CommandFailed(Exit.UNREACHABLE, message)
        found = Running(0, http, settings.mqtt_url, settings.mqtt5, settings.database_url, settings.database_url)
    if settings.database_url:
        found = replace(found, database=settings.database_url, database_socket=settings.database_url)
    if settings.mqtt_url:
        found = replace(found, mqtt=settings.mqtt_url, mqtt_v5=settings.mqtt5)
    return found


def operator_key(settings: "BerthSettings", given: str | None) -> str:
    """The operator's key to call the API with: the given one, or the one of `berth up`. Raises CommandFailed."""
    from app.data_dir import DataDir
    from app.exit_codes import CommandFailed, Exit

    if given:
        return given
    kept = DataDir(settings.data_dir).operator_key
    if not kept.exists():
        raise CommandFailed(Exit.USAGE, "no operator's key: give --token, or the --data-dir of `berth up`")
    return kept.read_text(encoding="utf-8")
