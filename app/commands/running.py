"""Running it: `berth up` and `berth serve`."""

from enum import StrEnum
from typing import Annotated

import typer

from app.commands.options import DataDirOption, settings_of, start_logs


class RoleName(StrEnum):
    """What `berth serve` can be."""

    API = "api"
    GATEWAY = "gateway"
    WORKER = "worker"


def add_to(cli: typer.Typer) -> None:
    """Register the commands of this file."""
    cli.command()(up)
    cli.command()(serve)


def up(
    *,
    data_dir: DataDirOption = None,
    demo: Annotated[bool, typer.Option("--demo", help="Fill an empty registry with a city and simulate it.")] = False,
    car_parks: Annotated[int, typer.Option(min=1, max=5_000, help="Car parks of the demo's city.")] = 608,
    speed: Annotated[float, typer.Option(min=0.1, max=10_000, help="Simulated seconds a second.")] = 60.0,
    port: Annotated[int | None, typer.Option(min=0, max=65_535, help="HTTP port; 0: any free one. [8080]")] = None,
    host: Annotated[str | None, typer.Option(help="HTTP address to listen on. [127.0.0.1]")] = None,
    gateways: Annotated[
        int, typer.Option(min=1, max=64, help="Processes that speak MQTT; they share the operators.")
    ] = 1,
    json: Annotated[bool, typer.Option("--json", help="Print one line of JSON when everything is ready.")] = False,
) -> None:
    """Run everything on this machine, embedded where no address is set. Ctrl-C stops it; the data stays."""
    import asyncio

    from app.supervisor import UpOptions, up
    from app.voice import Voice
    from kernel.clock import SystemClock

    settings = settings_of(data_dir, makes_data=True)
    start_logs(settings, "up")
    options = UpOptions(
        demo=demo,
        car_parks=car_parks,
        speed=speed,
        host=settings.http_host if host is None else host,
        port=settings.http_port if port is None else port,
        gateways=gateways,
    )
    clock = SystemClock()
    asyncio.run(up(options, settings, clock, Voice(clock, output="json" if json else "text")))


def serve(
    roles: Annotated[list[RoleName], typer.Argument(help="What this process is; several are possible.")],
    data_dir: DataDirOption = None,
) -> None:
    """Run one role of a city whose database and broker are elsewhere: what a service manager starts."""
    import uvloop

    from app.serve import serve
    from kernel.clock import SystemClock

    settings = settings_of(data_dir, makes_data=True)
    start_logs(settings, "+".join(roles))
    uvloop.run(serve([str(role) for role in roles], settings, SystemClock()))
