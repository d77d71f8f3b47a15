"""Constructs every role: the only place where services meet. A role is a context that runs it and yields its probes.

The gateway gets the handlers of the other services from here and runs them in its own transaction; that is how
services work together without knowing each other.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from app.data_dir import DataDir
from app.exit_codes import CommandFailed, Exit
from app.loops import LoopMetrics, running_loops
from app.monitoring import CityMetrics
from app.settings import BerthSettings
from app.version import about_version
from gateway.metrics import GatewayMetrics
from gateway.record import Handlers
from gateway.service import Gateway
from kernel.auth import Authenticator
from kernel.clock import Clock
from kernel.db import Database
from kernel.oidc import oidc_issuer
from kernel.service import Service
from kernel.tokens import Issuer, load_or_create_signing_key, local_issuer
from kernel.webserver import Probe, WebOptions, WebServer, make_application
from occupancy.service import recorder_of
from registry.key_store import RegistryKeyStore
from registry.service import registry_service


class NotReady(Exception):
    """A part of this process has started and cannot do its work yet."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What every role is made of."""

    settings: BerthSettings
    clock: Clock
    database: Database
    registry: CollectorRegistry


Role = Callable[[Tools], contextlib.AbstractAsyncContextManager[Mapping[str, Probe]]]


@contextlib.asynccontextmanager
async def api(tools: Tools) -> AsyncIterator[Mapping[str, Probe]]:
    """REST, live streams and pages."""
    settings = tools.settings
    services = services_of(tools)
    probes = {"database": database_probe(tools.database)}
    application = make_application(
        [operations for service in services for operations in service.apis],
        clock=tools.clock,
        authenticator=authenticator_of(tools),
        database=tools.database,
        options=WebOptions(
            pages=settings.pages,
            rate_caller=settings.http.rate_caller,
            rate_anonymous=settings.http.rate_anonymous,
            behind_proxy=settings.http.behind_proxy,
            version=about_version(),
        ),
        probes=probes,
        metrics=CityMetrics(tools.registry, settings.metrics_also).handle,
    )
    server = WebServer(application)
    try:
        await server.start(settings.http_host, settings.http_port)
    except OSError as error:
        await server.stop()
        raise CommandFailed(Exit.PORT_TAKEN, f"cannot listen: {error}") from error
    try:
        yield probes
    finally:
        await server.stop()


@contextlib.asynccontextmanager
async def gateway(tools: Tools) -> AsyncIterator[Mapping[str, Probe]]:
    """MQTT in, one transaction a batch, public topics out."""
    settings = tools.settings
    speaks_v5 = settings.gateway.protocol == "5"
    made = Gateway(
        tools.database,
        tools.clock,
        Handlers(record_facts=recorder_of(settings.occupancy)),
        broker_url=settings.mqtt5 if speaks_v5 else settings.mqtt_url,
        settings=settings.gateway,
        metrics=GatewayMetrics(tools.registry),
    )
    running = asyncio.create_task(made.run(), name="gateway")
    try:
        yield {"database": database_probe(tools.database), "gateway": _when(lambda: made.ready, "not subscribed yet")}
    finally:
        await made.stop()
        await asyncio.gather(running, return_exceptions=True)


@contextlib.asynccontextmanager
async def worker(tools: Tools) -> AsyncIterator[Mapping[str, Probe]]:
    """Jobs and loops: what must happen, but not now."""
    loops = [loop for service in services_of(tools) for loop in service.loops]
    async with running_loops(loops, tools.clock, LoopMetrics(tools.registry)):
        yield {"database": database_probe(tools.database)}


ROLES: Mapping[str, Role] = {"api": api, "gateway": gateway, "worker": worker}


def services_of(tools: Tools) -> list[Service]:
    """The manifests of all services."""
    return [registry_service(tools.database, tools.settings.registry)]


def authenticator_of(tools: Tools) -> Authenticator:
    """Who may call: drivers by token, operators by key."""
    return Authenticator(issuer=_issuer(tools), keys=RegistryKeyStore(tools.database), clock=tools.clock)


def database_probe(database: Database) -> Probe:
    """Ready when the database answers."""

    async def probe() -> None:
        async with database.transaction(readonly=True) as tx:
            await tx.fetchval("SELECT 1")

    return probe


def _when(is_ready: Callable[[], bool], why_not: str) -> Probe:
    async def probe() -> None:
        if not is_ready():
            raise NotReady(why_not)

    return probe


def _issuer(tools: Tools) -> Issuer:
    auth = tools.settings.auth
    if auth.issuer:
        return oidc_issuer(auth.issuer, auth.audience, tools.clock)
    return local_issuer(load_or_create_signing_key(DataDir(tools.settings.data_dir).signing_key))
