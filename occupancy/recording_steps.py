"""Recording, and the loops beside MQTT that publish what changes without a message. `service` says how often."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from contracts.availability import Availability
from contracts.facts import Facts, Recorded
from contracts.ids import CarParkId
from kernel.db import Database, Tx
from kernel.parts import in_parts
from occupancy import sql
from occupancy.availability import availability_of
from occupancy.doubt_steps import Ear
from occupancy.promise import set_promised
from occupancy.record import CAR_PARKS_AT_ONCE, Recorder
from occupancy.retell_now import retell_now
from occupancy.snapshot_steps import Line
from occupancy.sweep import Sweep
from occupancy.trend import find_trends, set_trends


class Outlet(Line, Ear, Protocol):
    """The retained public topics. Nothing here waits."""

    def publish(self, availabilities: Sequence[Availability]) -> None:
        """Put these on their topics, soon."""

    def withdraw(self, car_parks: Iterable[CarParkId]) -> None:
        """Take away what lies on the topics of these, soon; costs nothing where that is done."""

    @property
    def connection(self) -> int:
        """Grows with every connection to a broker, which may have forgotten what it was told before."""


class RecordingSteps:
    """Recording and the loops beside MQTT. A loop is a transaction, and then what it told is published."""

    def __init__(self, database: Database, recorder: Recorder, outlet: Outlet) -> None:
        self._database = database
        self._recorder = recorder
        self._outlet = outlet
        self._told_on = 0
        self._sweep = Sweep(recorder)
        self._told: dict[CarParkId, int] = {}
        """The newest version of each car park that this process told on this connection, or will once it commits."""

    async def record_facts(self, tx: Tx, facts: Facts) -> Recorded:
        """Record for the gateway, which publishes what comes back."""
        recorded = await self._recorder.record_facts(tx, facts)
        self._note(recorded.availabilities)
        return recorded

    async def sweep(self) -> None:
        """Publish what the clock or the registry changed."""
        async with self._database.transaction(readonly=True) as tx:
            touched, counted = await self._sweep.look(tx)
        for some in in_parts(touched, CAR_PARKS_AT_ONCE):
            async with self._database.transaction() as tx:
                told = await retell_now(tx, self._recorder, some, recount=counted.intersection(some))
            self.tell(told)
        self._sweep.dealt_with()

    async def trend(self) -> None:
        """Publish whose trend moved."""
        async with self._database.transaction(readonly=True) as tx:
            found = list((await find_trends(tx)).items())
        for some in in_parts(found, CAR_PARKS_AT_ONCE):
            async with self._database.transaction() as tx:
                told = await set_trends(tx, self._recorder, dict(some))
            self.tell(told)

    async def set_promised(self, promised: Mapping[CarParkId, int]) -> None:
        """Take over what is promised at these car parks (`contracts.promises.TellPromised`), and publish it."""
        async with self._database.transaction(readonly=True) as tx:
            await self._recorder.places.refresh(tx)
        for some in in_parts(sorted(promised), CAR_PARKS_AT_ONCE):
            async with self._database.transaction() as tx:
                told = await set_promised(tx, self._recorder, {car_park: promised[car_park] for car_park in some})
            self.tell(told)

    async def republish(self) -> None:
        """Publish what others recorded, and at first everything: a crash may have kept it back.

        What is gone from the registry is withdrawn, also by whoever starts after the crash of the one who should have.
        """
        if self._told_on != self._outlet.connection:
            self._told_on = self._outlet.connection
            self._told.clear()
        async with self._database.transaction(readonly=True) as tx:
            versions, gone = await sql.versions(tx)
            behind = [car_park for car_park, version in versions.items() if version > self._told.get(car_park, 0)]
            standings = await sql.standings_now(tx, behind) if behind else []
            told = [availability_of(standing, tx.now) for standing in standings]
        for car_park in gone:
            self._told.pop(car_park, None)  # it may come back as it was
        self._outlet.withdraw(gone)
        self.tell(told)

    def tell(self, told: Sequence[Availability]) -> None:
        """Publish what a committed transaction changed."""
        self._note(told)
        self._outlet.publish(told)

    def _note(self, told: Sequence[Availability]) -> None:
        self._told.update((CarParkId(availability.car_park), availability.version) for availability in told)
