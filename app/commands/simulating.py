"""Who is not there: `simulate` and `replay` speak for devices, `simulate-channel` for payment channels."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.commands.options import DataDirOption, JsonOption, operator_key, running_on, settings_of, start_logs

if TYPE_CHECKING:
    from simulators.faults import FaultPlan

DETAILS_MAX = 3
"""Sentences printed for each reason of a refusal; `--json` has every row."""


def add_to(cli: typer.Typer) -> None:
    """Register the commands of this file."""
    cli.command()(simulate)
    cli.command()(replay)
    cli.command()(simulate_channel)


def simulate(
    *,
    speed: Annotated[float, typer.Option(min=0.001, max=10_000, help="Simulated seconds a second.")] = 60.0,
    seed: Annotated[int, typer.Option(help="The same seed lives the same day.")] = 0,
    car_park: Annotated[list[str] | None, typer.Option(help="Only this one; several are possible.")] = None,
    fault: Annotated[
        list[str] | None, typer.Option(metavar="NAME=RATE", help="What goes wrong how often, e.g. duplicate=0.05.")
    ] = None,
    own_connections: Annotated[bool, typer.Option(help="A connection for every car park, as in a real city.")] = False,
    drivers: Annotated[
        int, typer.Option(min=0, max=1_000, help="So many reserve over REST, come, park and leave; 0: none.")
    ] = 0,
    parkers: Annotated[
        int, typer.Option(min=0, max=500, help="So many park without a promise; car parks with cameras then bill.")
    ] = 0,
    cameras: Annotated[
        int | None, typer.Option(min=0, help="Lanes of so many spaces read plates, the others count. [all]")
    ] = None,
    misread: Annotated[float, typer.Option(min=0, max=1, help="Share of plates with a character mistaken.")] = 0.0,
    missed: Annotated[float, typer.Option(min=0, max=1, help="Share of vehicles whose plate is not read.")] = 0.0,
    ledger: Annotated[Path | None, typer.Option(help="Write down everything that was published.")] = None,
    token: Annotated[str | None, typer.Option(help="An operator's key; without: the one of `berth up`.")] = None,
    data_dir: DataDirOption = None,
) -> None:
    """Live a city's day in the car parks of the registry, until stopped."""
    import asyncio

    from app.commands.tokens import driver_tokens
    from app.exit_codes import CommandFailed, Exit
    from app.signals import until_stopped
    from kernel.clock import SystemClock
    from simulators.cameras import CameraPlan
    from simulators.operator_api import NotAllowed
    from simulators.simulate import NothingToSimulate, simulate_city
    from simulators.wire_client import BrokerSilent

    settings = settings_of(data_dir)
    start_logs(settings, "simulate")
    running, version = running_on(settings), settings.gateway.protocol
    work = simulate_city(
        http_url=running.http,
        mqtt_url=running.mqtt_v5 if version == "5" else running.mqtt,
        mqtt_version=version,
        token=operator_key(settings, token),
        clock=SystemClock(),
        seed=seed,
        speed=speed,
        time_zone=settings.registry.time_zone,
        faults=_faults(seed, fault or []),
        connections="own" if own_connections else "shared",
        car_parks=car_park,
        ledger_path=ledger,
        drivers=driver_tokens(settings, [f"simulated-{number}" for number in range(drivers)]) if drivers else None,
        parkers=driver_tokens(settings, [f"parker-{number}" for number in range(parkers)]) if parkers else None,
        cameras=CameraPlan(cameras, misread, missed),
    )
    try:
        asyncio.run(until_stopped(work, on_stop=lambda: None))
    except (NotAllowed, NothingToSimulate) as failed:
        raise CommandFailed(Exit.FAILED, str(failed)) from failed
    except BrokerSilent as silent:
        raise CommandFailed(Exit.UNREACHABLE, str(silent)) from silent


def _faults(seed: int, said: list[str]) -> "FaultPlan":
    """`NAME=RATE` pairs as a plan. Raises CommandFailed."""
    from dataclasses import fields

    from app.exit_codes import CommandFailed, Exit
    from simulators.faults import FaultPlan

    rates = _rates(said, {field.name for field in fields(FaultPlan) if field.type in ("float", float)})
    try:
        return FaultPlan(seed=seed, **rates)  # type: ignore[arg-type]  # only float fields, see `known`
    except ValueError as error:
        raise CommandFailed(Exit.USAGE, str(error)) from error


def _rates(said: list[str], known: set[str]) -> dict[str, float]:
    """`NAME=RATE` pairs. Raises CommandFailed."""
    from app.exit_codes import CommandFailed, Exit

    rates: dict[str, float] = {}
    for pair in said:
        name, _, rate = pair.partition("=")
        if name not in known:
            raise CommandFailed(Exit.USAGE, f"no fault is called {name!r}; there are {', '.join(sorted(known))}")
        try:
            rates[name] = float(rate)
        except ValueError:
            raise CommandFailed(Exit.USAGE, f"{pair!r}: the rate is a number from 0 to 1") from None
    return rates


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
    from simulators.wire_client import BrokerSilent

    settings = settings_of(data_dir)
    start_logs(settings, "replay")
    running, version = running_on(settings), settings.gateway.protocol
    try:
        with progress_on_stderr(file.name) as show:
            summary = asyncio.run(
                replay_file(
                    file,
                    http_url=running.http,
                    mqtt_url=running.mqtt_v5 if version == "5" else running.mqtt,
                    mqtt_version=version,
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
    except BrokerSilent as silent:
        raise CommandFailed(Exit.UNREACHABLE, str(silent)) from silent
    if json:
        typer.echo(encode(summary).decode())
        return
    refused = sum(summary.refused_reasons.values())
    typer.echo(f"{summary.rows} rows of {summary.file} told in {summary.seconds:.1f} s, {refused} refused")
    for reason, rows in sorted(summary.refused_reasons.items(), key=lambda pair: -pair[1]):
        details = sorted({row.detail for row in summary.refused_rows if row.reason == reason})
        more = f" and {len(details) - DETAILS_MAX} more" if len(details) > DETAILS_MAX else ""
        typer.echo(f"refused: {rows} {reason}: {'; '.join(details[:DETAILS_MAX])}{more}".rstrip(": "), err=True)
    for warning in summary.warnings:
        typer.echo(warning, err=True)


def simulate_channel(
    *,
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Where both channels listen; 0: any free port.")] = 8_081,
    public_url: Annotated[
        str, typer.Option(help="Where the city's API is: what the printed settings tell it to be called at.")
    ] = "http://127.0.0.1:8080",
    fault: Annotated[
        list[str] | None, typer.Option(metavar="NAME=RATE", help="What goes wrong how often, e.g. twice=0.05.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed meets the same faults.")] = 0,
    data_dir: DataDirOption = None,
    json: JsonOption = False,
) -> None:
    """Play WeChat Pay and Alipay, until stopped; prints the settings with which a city uses them. No money moves."""
    import asyncio

    from msgspec.json import encode

    from app.exit_codes import CommandFailed, Exit
    from app.signals import until_stopped
    from kernel.clock import SystemClock
    from simulators.payment_channel.mischief import RATES, Mischief
    from simulators.payment_channel.parties import Parties
    from simulators.payment_channel.run import run_channels, settings_for

    settings = settings_of(data_dir, makes_data=True)
    start_logs(settings, "simulate-channel")
    folder = (settings.data_dir / "payment-channel").resolve()

    def ready(url: str, parties: Parties) -> None:
        said = settings_for(url, parties, folder, public_url)
        if json:
            typer.echo(encode({"url": url, "settings": said}).decode())
        else:
            typer.echo("".join(f"export {name}={value}\n" for name, value in said.items()), nl=False)

    try:
        mischief = Mischief(seed=seed, **_rates(fault or [], set(RATES)))  # type: ignore[arg-type]  # rates, see RATES
        work = run_channels(folder, SystemClock(), mischief, host="127.0.0.1", port=port, ready=ready)
        asyncio.run(until_stopped(work, on_stop=lambda: None))
    except ValueError as error:
        raise CommandFailed(Exit.USAGE, str(error)) from error
    except OSError as error:
        raise CommandFailed(Exit.PORT_TAKEN, f"cannot listen: {error}") from error
