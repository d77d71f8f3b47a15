"""`berth serve ROLE`: one role in one process, from its first connection to its last.

It waits for a database that is away, refuses a schema that is not its own, runs until SIGINT or SIGTERM, and then ends
within STOP_S_MAX whatever the database or the broker do.
"""

import asyncio
import contextlib
import gc
import os
from collections.abc import Collection, Sequence

import structlog

from app.compose import ROLES
from app.exit_codes import CommandFailed, Exit
from app.loops import LoopMetrics
from app.monitoring import monitoring_server
from app.patience import database_awaited
from app.settings import BerthSettings
from app.signals import DidNotStop, until_stopped
from app.tools import Tools
from app.version import about_version
from kernel.clock import Clock
from kernel.db import Database
from kernel.ids import new_id
from kernel.metrics import process_registry
from kernel.migrate import SchemaMismatch, check_schema, migrations_of
from kernel.probes import Probe

STOP_S_MAX = 9.0
"""The supervisor and most others kill after ten seconds."""
YOUNG_OBJECTS_MAX = 20_000
"""Python looks for cycles after so many new objects, not after 700: what a batch makes is gone before, by itself."""

log = structlog.get_logger(__name__)


async def serve(roles: Sequence[str], settings: BerthSettings, clock: Clock) -> None:
    """Run `roles` until a signal. Raises CommandFailed when they cannot start."""
    gc.set_threshold(YOUNG_OBJECTS_MAX)
    try:
        await until_stopped(_run(roles, settings, clock), on_stop=lambda: log.info("stopping"), patience_s=STOP_S_MAX)
    except DidNotStop:
        log.warning("stopped without waiting for what did not end", after_s=STOP_S_MAX)
        os._exit(Exit.OK)  # the loop would wait for it; what was not committed was not acknowledged either


async def _run(roles: Sequence[str], settings: BerthSettings, clock: Clock) -> None:
    if not settings.database_url:
        raise CommandFailed(Exit.USAGE, "BERTH_DATABASE_URL is not set; `berth up` embeds a database")
    if not settings.mqtt_url and "gateway" in roles:
        raise CommandFailed(Exit.USAGE, "BERTH_MQTT_URL is not set; `berth up` embeds a broker")
    try:
        await database_awaited(lambda: check_schema(settings.database_url, migrations_of()), clock)
    except SchemaMismatch as mismatch:
        raise CommandFailed(Exit.SCHEMA_MISMATCH, str(mismatch)) from mismatch
    name = new_id(f"berth {'+'.join(roles)}", clock.now())  # the sessions of this very process: see gateway.slot
    database = Database(settings.database_url, clock, connections_max=settings.database_connections_max, name=name)
    await database_awaited(database.open, clock)
    registry = process_registry()
    tools = Tools(settings, clock, database, registry, LoopMetrics(registry))
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(database.close)
        probes: dict[str, Probe] = {}
        for role in roles:
            probes.update(await stack.enter_async_context(ROLES[role](tools)))
        if "api" not in roles:
            server = monitoring_server(probes, tools.registry, about_version(), clock)
            port = await server.start(settings.monitor_host, settings.monitor_port)
            stack.push_async_callback(server.stop)
            log.info("serving", roles=list(roles), monitor_port=port)
        else:
            log.info("serving", roles=list(roles), http_port=settings.http_port)
        await _first_end(tools.essential)


async def _first_end(essential: Collection[asyncio.Task[None]]) -> None:
    """Wait until one of them ends, which none should. Raises what it raised, or CommandFailed."""
    if not essential:  # an api without a broker reads everything from the database
        await asyncio.Event().wait()
    ended, _ = await asyncio.wait(essential, return_when=asyncio.FIRST_COMPLETED)
    for task in ended:
        task.result()
        raise CommandFailed(Exit.FAILED, f"{task.get_name()} ended by itself")
