"""Constructs every role: the only place where services meet.

The gateway gets the handlers of the other services from here and runs them in its own transaction; that is how
services work together without knowing each other.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence

from app.data_dir import DataDir
from app.exit_codes import CommandFailed, Exit
from app.monitoring import CityMetrics
from app.outlet import GatewayOutlet
from app.tools import Role, Tools, database_probe, when
from app.version import about_version
from billing import service as billing
from billing.channels.offered import Channels, KeyUnusable, offered
from contracts.facts import HeardHandler, PassageHandler
from contracts.orders import OrderHandler
from gateway import service as gateway_service
from gateway.give_order import give_order
from gateway.link import Link
from gateway.metrics import GatewayMetrics
from gateway.service import Gateway, Handlers, Heed, SlotLost
from kernel.addresses import Proxies, networks
from kernel.api_keys import KeyChecker
from kernel.auth import Authenticator
from kernel.idempotency import purge_loop
from kernel.ids import new_id
from kernel.jobs import JobRunner
from kernel.oidc import oidc_issuer
from kernel.probes import Probe
from kernel.request_metrics import RequestMetrics
from kernel.service import Service
from kernel.sse import STREAMS
from kernel.tokens import Issuer, load_or_create_signing_key, local_issuer
from kernel.webserver import WebOptions, WebServer, make_application
from occupancy import service as occupancy
from occupancy.board import Board
from occupancy.card import Name
from occupancy.hear_devices import hear_devices
from occupancy.http.city import City
from occupancy.record import Recorder
from occupancy.resync import hear_of_order
from registry.key_store import RegistryKeyStore
from registry.service import registry_service
from registry.sql import audit
from registry.tell_tariffs import tell_tariffs
from reservation import service as reservation
from reservation.signing import SigningKey

ON_PASSAGE: Sequence[PassageHandler] = (reservation.on_passages(give_order), billing.on_passages(give_order))
"""Who hears of passages, whichever way they came: over MQTT, pushed, spooled or replayed."""
ON_ORDER: Sequence[OrderHandler] = (hear_of_order, reservation.hear_of_locks)
"""Who hears what became of orders, in whichever process they come to their end: answered, refused or expired."""
ON_HEARD: Sequence[HeardHandler] = (hear_devices,)
"""Who hears what devices tell of themselves, also when a message is replayed."""


@contextlib.asynccontextmanager
async def api(tools: Tools) -> AsyncIterator[Mapping[str, Probe]]:
    """REST, live streams and pages; the board hears the public topics."""
    settings = tools.settings
    services, board = answering(tools)
    probes = {"database": database_probe(tools.database), "board": when(lambda: board.loaded, "not read yet")}
    link = _public_listener(tools, board) if settings.mqtt_url else None
    if link is not None:
        probes["broker"] = when(lambda: link.ready, "does not answer")
    requests = RequestMetrics(tools.registry)
    application = make_application(
        [operations for service in services for operations in service.apis],
        clock=tools.clock,
        authenticator=authenticator_of(tools),
        database=tools.database,
        options=WebOptions(
            pages=settings.pages,
            rate_caller=settings.http.rate_caller,
            rate_anonymous=settings.http.rate_anonymous,
            proxies=Proxies(networks(settings.http.trusted_proxies)),
            metrics_from=networks(settings.http.metrics_from),
            streams_max=settings.http.streams_max,
            streams_per_address_max=settings.http.streams_per_address_max,
            version=about_version(),
        ),
        probes=probes,
        metrics=CityMetrics(tools.registry, settings.metrics_also).handle,
        observe=requests,
    )
    requests.watch(application[STREAMS])
    server = WebServer(application)
    try:
        await server.start(settings.http_host, settings.http_port)
    except OSError as error:
        await server.stop()
        raise CommandFailed(Exit.PORT_TAKEN, f"cannot listen: {error}") from error
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(server.stop)
        await stack.enter_async_context(tools.loops_of(services))
        if link is not None:
            await stack.enter_async_context(_hearing(tools, link))
        yield probes


@contextlib.asynccontextmanager
async def gateway(tools: Tools) -> AsyncIterator[Mapping[str, Probe]]:
    """MQTT in, one transaction a batch, public topics out."""
    settings = tools.settings
    outlet = GatewayOutlet()
    heed = Heed(tools.database, tools.clock, outlet.tell_refused)
    recording = occupancy.recording(
        tools.database,
        settings.occupancy,
        outlet=outlet,
        give_order=give_order,
        registry=tools.registry,
        wake=heed.recorded,
    )
    handlers = Handlers(
        record_facts=recording.record_facts, on_passage=ON_PASSAGE, on_order=ON_ORDER, on_heard=ON_HEARD
    )
    metrics = GatewayMetrics(tools.registry)
    made = Gateway(
        tools.database,
        tools.clock,
        handlers,
        broker_url=tools.broker_url,
        settings=settings.gateway,
        metrics=metrics,
    )
    outlet.gateway = made
    running = tools.start_essential(_while_slot_held(made), name="gateway")
    heeding = tools.start_essential(heed.run(), name="notices")
    unspooling = gateway_service.unspooling(
        tools.database, handlers, outlet.publish, metrics=metrics, wake=heed.spooled
    )
    try:
        counting = reservation.counting(tools.database, recording.set_promised)
        async with tools.loops_of([recording.service, unspooling, counting]):
            yield {
                "database": database_probe(tools.database),
                "gateway": when(lambda: made.ready, "not subscribed yet"),
            }
    finally:
        heeding.cancel()
        await made.stop()
        await asyncio.gather(running, heeding, return_exceptions=True)


async def _while_slot_held(made: Gateway) -> None:
    """A process that lost its slot has nothing left to do; whoever keeps it running gets a spare."""
    try:
        await made.run()
    except SlotLost as lost:
        raise CommandFailed(Exit.FAILED, f"{lost}; started again, this process is a spare") from lost


@contextlib.asynccontextmanager
async def worker(tools: Tools) -> AsyncIterator[Mapping[str, Probe]]:
    """Jobs and loops: what must happen, but not now."""
    settings = tools.settings
    channels = _channels(tools)

    services = [
        occupancy.upkeep(tools.database, settings.occupancy, tools.registry),
        reservation.upkeep(tools.database, settings.reservation, tools.registry, give_order),
        billing.upkeep(
            tools.database,
            channels=channels,
            zone=settings.registry.zone,
            registry=tools.registry,
            give_order=give_order,
        ),
        billing.telling(tools.database, tell_tariffs),
        gateway_service.upkeep(tools.database, settings.gateway, tools.registry, ON_ORDER),
        Service("kernel", loops=[purge_loop(tools.database)]),
    ]
    runner = JobRunner(tools.database, [job for service in services for job in service.jobs])
    working = tools.start_essential(runner.run(), name="jobs")
    try:
        async with tools.loops_of(services):
            yield {"database": database_probe(tools.database)}
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        await channels.close()


ROLES: Mapping[str, Role] = {"api": api, "gateway": gateway, "worker": worker}


def answering(tools: Tools) -> tuple[list[Service], Board]:
    """What answers REST, and the board that it answers from."""
    settings = tools.settings
    record_facts = Recorder(settings.occupancy).record_facts
    city = City(Name(zh=settings.registry.city_zh, en=settings.registry.city_en), settings.registry.time_zone)
    seeing = occupancy.serving(tools.database, settings.occupancy, city, audit.record)
    services = [
        registry_service(
            tools.database, settings.registry, on_counts=record_facts, profiles=gateway_service.device_profiles()
        ),
        gateway_service.serving(
            tools.database,
            Handlers(record_facts=record_facts, on_passage=ON_PASSAGE, on_order=ON_ORDER, on_heard=ON_HEARD),
            clock=tools.clock,
            settings=settings.gateway,
            record_audit=audit.record,
            keys=KeyChecker(RegistryKeyStore(tools.database), tools.clock),
        ),
        seeing.service,
        reservation.serving(
            tools.database,
            settings.reservation,
            signing_key=_promises_key(tools),
            record_audit=audit.record,
            give_order=give_order,
        ),
        billing.serving(
            tools.database,
            channels=_channels(tools),
            zone=settings.registry.zone,
            record_audit=audit.record,
            give_order=give_order,
        ),
    ]
    return services, seeing.board


def _channels(tools: Tools) -> Channels:
    """Payment channels; only a worker talks to them, an api process hears what they tell."""
    settings = tools.settings
    host = "127.0.0.1" if settings.http_host in ("0.0.0.0", "::") else settings.http_host
    listens_at = f"http://{host}:{settings.http_port}"
    try:
        return offered(settings.billing.channels, tools.database, listens_at=listens_at)
    except KeyUnusable as error:
        raise CommandFailed(Exit.FAILED, str(error)) from error


def _promises_key(tools: Tools) -> SigningKey:
    """Signs passes and seals offers; one for all processes."""
    settings = tools.settings
    return SigningKey(settings.reservation.signing_key_file or DataDir(settings.data_dir).promises_key)


def _public_listener(tools: Tools, board: Board) -> Link:
    """The board hears what is published."""
    settings = tools.settings
    return gateway_service.public_listener(
        tools.broker_url,
        tools.clock,
        board.on_public,
        client_id=new_id("api", tools.clock.now()),
        protocol=settings.gateway.protocol,
        ca_file=settings.gateway.ca_file,
    )


@contextlib.asynccontextmanager
async def _hearing(tools: Tools, link: Link) -> AsyncIterator[None]:
    """The listener runs."""
    running = tools.start_essential(link.run(), name="public listener")
    try:
        yield
    finally:
        await link.stop()
        await asyncio.gather(running, return_exceptions=True)


def authenticator_of(tools: Tools) -> Authenticator:
    """Who may call: drivers by token, operators by key."""
    return Authenticator(issuer=_issuer(tools), keys=RegistryKeyStore(tools.database), clock=tools.clock)


def _issuer(tools: Tools) -> Issuer:
    auth = tools.settings.auth
    if auth.issuer:
        return oidc_issuer(auth.issuer, auth.audience, tools.clock)
    return local_issuer(load_or_create_signing_key(DataDir(tools.settings.data_dir).signing_key))
