"""Credentials: `berth token`."""

from typing import TYPE_CHECKING, Annotated

import typer

from app.commands.options import DataDirOption, JsonOption, running_on, settings_of

if TYPE_CHECKING:
    from app.settings import BerthSettings


def add_to(cli: typer.Typer) -> None:
    """Register the commands of this file."""
    cli.command()(token)


def token(
    driver: Annotated[list[str] | None, typer.Option(help="A driver's id; several are possible.")] = None,
    operator: Annotated[list[str] | None, typer.Option(help="An operator's id; several are possible.")] = None,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Print a driver's token or an operator's key. An operator that does not exist yet is registered."""
    from msgspec.json import encode

    from app.exit_codes import CommandFailed, Exit

    if bool(driver) == bool(operator):
        raise CommandFailed(Exit.USAGE, "name either --driver or --operator, once or several times")
    settings = settings_of(data_dir)
    made = driver_tokens(settings, driver) if driver else _operators(settings, operator or [])
    typer.echo(encode(made).decode() if json or len(made) > 1 else next(iter(made.values())))


def driver_tokens(settings: "BerthSettings", ids: list[str]) -> dict[str, str]:
    """Tokens by driver, signed with the key in the data directory. Raises CommandFailed."""
    from app.data_dir import DataDir
    from app.exit_codes import CommandFailed, Exit
    from kernel.clock import SystemClock
    from kernel.tokens import load_signing_key, mint_driver_token

    if settings.auth.issuer:
        raise CommandFailed(Exit.USAGE, f"drivers' tokens are made by {settings.auth.issuer}, not by us")
    kept = DataDir(settings.data_dir).signing_key
    try:
        key = load_signing_key(kept)
    except FileNotFoundError:
        message = f"no signing key at {kept}: `berth up` makes it at its first start; name its --data-dir"
        raise CommandFailed(Exit.USAGE, message) from None
    now = SystemClock().now()
    try:
        return {driver: mint_driver_token(key, driver, now) for driver in ids}
    except ValueError as error:
        raise CommandFailed(Exit.USAGE, str(error)) from error


def _operators(settings: "BerthSettings", ids: list[str]) -> dict[str, str]:
    import asyncio

    from app.operator_keys import issue_operator_keys
    from kernel.clock import SystemClock

    url = settings.database_url or running_on(settings).database_socket
    return asyncio.run(issue_operator_keys(url, ids, SystemClock()))
