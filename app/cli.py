"""The command line `berth`: one function a command, in `app/commands/`.

Every command imports what it needs when it runs, so that `berth --help` and `berth token` are quick. A command fails
by raising CommandFailed or SettingsRefused; here they become a line on standard error and an exit code.
"""

import sys
from typing import Annotated

import typer

from app.commands import about, data, measuring, running, simulating, tokens
from app.exit_codes import MEANINGS, CommandFailed, Exit
from kernel.settings import SettingsRefused

cli = typer.Typer(
    name="berth",
    help="Berth: the backend with which a city runs its parking.",
    epilog=MEANINGS,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
running.add_to(cli)
data.add_to(cli)
tokens.add_to(cli)
simulating.add_to(cli)
measuring.add_to(cli)
about.add_to(cli)


def _print_version(asked: bool) -> None:
    if asked:
        from app.version import about_version

        told = about_version()
        typer.echo(f"berth {told['version']} ({told['commit']})")
        raise typer.Exit


@cli.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version and exit.")
    ] = False,
) -> None:
    """Berth: the backend with which a city runs its parking."""


def main() -> None:
    """The entry point of the `berth` script."""
    try:
        cli(prog_name="berth")
    except CommandFailed as failed:
        typer.echo(f"berth: {failed}", err=True)
        sys.exit(failed.code)
    except SettingsRefused as refused:
        typer.echo(f"berth: {refused}", err=True)
        sys.exit(Exit.USAGE)


if __name__ == "__main__":
    main()
