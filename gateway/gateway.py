"""Link, ingest and registry copy as one thing that runs and stops: the process that speaks MQTT."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Final

import structlog

from contracts.availability import Availability
from contracts.ids import CarParkId
from gateway.address import BrokerAddress
from gateway.directory import Directory
from gateway.ingest import Ingest
from gateway.link import Link
from gateway.metrics import GatewayMetrics
from gateway.publish import Publisher
from gateway.record import Handlers
from gateway.refresh_directory import RegistryCopy
from gateway.settings import GatewaySettings
from kernel.clock import Clock
from kernel.db import Database, is_away

_log = structlog.get_logger(__name__)

FINISH_BATCH_S: Final = 5.0
"""How long a stop waits for the transaction in flight: with the DISCONNECT it stays under ten seconds."""
CANCEL_AGAIN_S: Final = 0.3
CANCELS_MAX: Final = 6
"""A transaction on a line that hangs answers a cancellation by a ROLLBACK, which hangs as well, and so on."""


class Gateway:
    """Runs until `stop`. Starts and stays up without a database or a broker; `ready` says whether it has both."""

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
        self._poll_s = settings.directory_poll_s
        self._registry_answers = False
        self.copy = RegistryCopy(db, Directory())
        self.ingest = Ingest(db, clock, self.copy, handlers, settings=settings, metrics=metrics)
        self.link = Link(
            BrokerAddress.of(broker_url),
            settings.session(),
            clock,
            on_message=self.ingest.take,
            echo_topic=settings.echo_topic(),
        )
        self._publisher = Publisher(self.link)
        self.ingest.attach(self.link, self.publish)
        self._running: asyncio.Task[None] | None = None
        metrics.watch(self.link, self.ingest.queue, lambda: self.ready)

    @property
    def ready(self) -> bool:
        """Subscribed, the registry read, and the database answered last time."""
        return self.link.ready and self._registry_answers and not self.ingest.database_away

    def publish(self, availabilities: Sequence[Availability]) -> None:
        """Put these on their public topics, soon; what is older than what was already put there is left out."""
        self._publisher.publish(availabilities)

    def withdraw(self, car_parks: Iterable[CarParkId]) -> None:
        """Take what lies on the public topics of `car_parks` away, soon; costs nothing where that is done."""
        self._publisher.withdraw(car_parks)

    @property
    def connection(self) -> int:
        """Grows with every connection to a broker, which may have forgotten what it was told on the one before."""
        return self.link.connects

    async def run(self) -> None:
        """Everything, until `stop`."""
        storing = self._running = asyncio.create_task(self.ingest.run(), name="gateway-ingest")
        linking = asyncio.create_task(self.link.run(), name="gateway-link")
        polling = asyncio.create_task(self._poll(), name="gateway-directory")
        try:
            await asyncio.wait([storing, linking], return_when=asyncio.FIRST_EXCEPTION)
            for task in (storing, linking):
                if task.done() and not task.cancelled():
                    task.result()
        finally:
            for task in (storing, linking, polling):
                await _end(task)

    async def stop(self) -> None:
        """Read no more, finish the batch in flight if the database lets us, acknowledge it, DISCONNECT. Under 10 s."""
        self.ingest.stop()
        if self._running is not None:
            await asyncio.wait([self._running], timeout=0 if self.ingest.database_away else FINISH_BATCH_S)
            await _end(self._running)
        await self.link.stop()

    async def _poll(self) -> None:
        while True:
            try:
                await self.copy.refresh()
                self._registry_answers = True
            except Exception as error:
                self._registry_answers = False
                if not is_away(error):
                    _log.exception("directory_refresh_failed")
            await self._clock.sleep(self._poll_s)


async def _end(task: asyncio.Task[None]) -> None:
    """Cancel until it is over, or until there is no time left."""
    for _ in range(CANCELS_MAX):
        if task.done():
            return
        task.cancel()
        await asyncio.wait([task], timeout=CANCEL_AGAIN_S)
