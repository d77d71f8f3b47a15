"""Link, ingest and registry copy as one thing that runs and stops: the process that speaks MQTT."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any, Final

import structlog

from contracts.availability import Availability
from contracts.ids import CarParkId
from gateway.address import BrokerAddress
from gateway.directory import Directory
from gateway.dispatch_orders import Dispatcher
from gateway.ingest import Ingest
from gateway.link import Link
from gateway.metrics import GatewayMetrics
from gateway.partition import Share
from gateway.partition_lease import SlotLease
from gateway.partition_listen import Listening
from gateway.publish import Publisher
from gateway.record import Handlers
from gateway.refresh_directory import RegistryCopy
from gateway.settings import GatewaySettings
from kernel.clock import Clock
from kernel.db import Database
from kernel.db_errors import will_pass

_log = structlog.get_logger(__name__)

FINISH_BATCH_S: Final = 5.0
"""How long a stop waits for the transaction in flight: with the DISCONNECT it stays under ten seconds."""
FINISH_ORDERS_S: Final = 0.5
CANCEL_AGAIN_S: Final = 0.3
CANCELS_MAX: Final = 6
"""A transaction on a line that hangs answers a cancellation by a ROLLBACK, which hangs as well, and so on."""


class Gateway:
    """Runs until `stop`. Starts and stays up without a database or a broker; `ready` says whether it has both.

    It begins as a spare: it takes messages and speaks once it holds a slot, and keeps that one until it ends.
    """

    def __init__(
        self,
        db: Database,
        clock: Clock,
        handlers: Handlers,
        *,
        broker_url: str,
        settings: GatewaySettings,
        metrics: GatewayMetrics,
    ) -> None:
        """Raises ValueError for a broker_url that is none."""
        self._db = db
        self._clock = clock
        self._metrics = metrics
        self._settings = settings
        self._poll_s = settings.directory_poll_s
        self._registry_answers = False
        self._registry_read = asyncio.Event()
        self.copy = RegistryCopy(db, Directory())
        self.lease = SlotLease(db, clock, settings)
        self.ingest = Ingest(
            db, clock, self.copy, handlers, settings=settings, metrics=metrics, may_store=lambda: self.lease.held
        )
        self.link = Link(
            BrokerAddress.of(broker_url),
            settings.session(settings.claimable()[0]),
            clock,
            on_message=self.ingest.take,
            before_connect=self._prepared,
        )
        self._publisher = Publisher(self.link)
        self._dispatcher = Dispatcher(
            db, clock, self.link, mine=self.mine, on_order=handlers.on_order, metrics=metrics.orders
        )
        self.ingest.attach(self.link, self._publisher.publish)
        self._unplaced: list[Availability] = []
        self._listening: Listening | None = None
        self._stopping = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        metrics.watch(self.link, self.ingest.queue, lambda: self.ready, lambda: self.slot)

    @property
    def ready(self) -> bool:
        """Subscribed, the registry read, and the database answered last time. A spare is ready to take over."""
        return (self.link.ready or self.lease.spare) and self._registry_answers and not self.ingest.database_away

    @property
    def slot(self) -> int:
        """The slot this process holds, or held last; -1: it is a spare."""
        return -1 if self.lease.share is None else self.lease.share.slot

    def mine(self, operator: str) -> bool:
        """Whether this process alone speaks to `operator`'s devices now."""
        return self.lease.held and self._speaks_for(operator)

    def publish(self, availabilities: Sequence[Availability]) -> None:
        """Put those of our own operators on their public topics, soon; what is older than what was already put there is
        left out. A car park that is newer than our copy of the registry waits for the next look into it.
        """
        if self.lease.share is None:
            return
        ours = []
        for availability in availabilities:
            place = self.copy.directory.car_park(availability.car_park)
            if place is None:
                self._unplaced.append(availability)
            elif self._speaks_for(place.operator):
                ours.append(availability)
        self._publisher.publish(ours)

    def _place(self, waiting: int) -> None:
        """After a look into the registry: who is still not in it of the first `waiting` is gone."""
        looked_for, self._unplaced = self._unplaced[:waiting], self._unplaced[waiting:]
        self.publish([told for told in looked_for if self.copy.directory.car_park(told.car_park) is not None])

    def withdraw(self, car_parks: Iterable[CarParkId]) -> None:
        """Take what lies on the public topics of `car_parks` away, soon; costs nothing where that is done.

        Whose they were nobody knows any more, so every slot does it.
        """
        if self.lease.share is not None:
            self._publisher.withdraw(car_parks)

    @property
    def connection(self) -> int:
        """Grows with every connection to a broker, which may have forgotten what it was told on the one before."""
        return self.link.connects

    @property
    def fresh_sessions(self) -> int:
        """Grows with every connection for which the broker had kept nothing: what was said before it may be lost."""
        return self.link.fresh_sessions

    async def run(self) -> None:
        """Wait for a slot, then everything, until `stop`. Raises SlotLost when another process took the slot over."""
        polling = asyncio.create_task(self._poll(), name="gateway-directory")
        claiming = asyncio.create_task(self.lease.claim(), name="gateway-claim")
        stopping = asyncio.create_task(self._stopping.wait(), name="gateway-stop")
        try:
            await asyncio.wait([claiming, stopping], return_when=asyncio.FIRST_COMPLETED)
            if not stopping.done():
                await self._serve(claiming.result())
        finally:
            for task in (polling, claiming, stopping):
                await _end(task)

    async def _serve(self, share: Share) -> None:
        self.link.present_as(self._settings.session(share), share.echo_topic)
        self._listening = Listening(self._db, self._settings, share, self.link, self.copy.directory)
        storing = self._running = asyncio.create_task(self.ingest.run(), name="gateway-ingest")
        linking = asyncio.create_task(self.link.run(), name="gateway-link")
        keeping = asyncio.create_task(self.lease.keep(), name="gateway-slot")
        dispatching = asyncio.create_task(self._dispatcher.run(), name="gateway-orders")
        working = {storing, linking}
        try:
            while working:
                done, _ = await asyncio.wait({*working, keeping}, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    if not task.cancelled():  # by `stop`
                        task.result()
                working -= done
        finally:
            for task in (storing, linking, keeping, dispatching):
                await _end(task)

    async def stop(self) -> None:
        """Read no more, finish the batch in flight if the database lets us, acknowledge it, DISCONNECT, give the slot
        back. Under 10 s.
        """
        self._stopping.set()
        self.ingest.stop()
        if self._running is not None:
            await asyncio.wait([self._running], timeout=0 if self.ingest.database_away else FINISH_BATCH_S)
            await _end(self._running)
        await self.link.stop()
        if not self.ingest.database_away:
            finishing = asyncio.create_task(self._dispatcher.finish())
            await asyncio.wait([finishing], timeout=FINISH_ORDERS_S)
            await _end(finishing)
        await self.lease.give_up()

    def _speaks_for(self, operator: str) -> bool:
        share = self.lease.share
        return share is not None and share.owns(operator)

    async def _prepared(self) -> None:
        """Before a connection: the slot is still ours, and the registry was read, lest a backlog of the whole city
        stands in the one line of those whom nobody knows. Raises SlotLost.
        """
        await self._registry_read.wait()
        await self.lease.renewed()

    async def _poll(self) -> None:
        while True:
            try:
                waiting = len(self._unplaced)
                await self.copy.refresh()
                self._registry_answers = True
                self._registry_read.set()
                self._place(waiting)
                if self._listening is not None:
                    await self._listening.step()
            except Exception as error:
                self._registry_answers = False
                if not will_pass(error):
                    _log.exception("directory_refresh_failed")
            await self._clock.sleep(self._poll_s)


async def _end(task: asyncio.Task[Any]) -> None:
    """Cancel until it is over, or until there is no time left."""
    for _ in range(CANCELS_MAX):
        if task.done():
            return
        task.cancel()
        await asyncio.wait([task], timeout=CANCEL_AGAIN_S)
