"""Holding a slot: one process at a time, by a lease in the database that must be renewed every second.

A spare process looks at the slots twice a second and claims one whose lease has run out, or whose holder has no session
with the database any more, and that for GRACE_S: after an outage of the database the holder comes first. One that was a
process of the same host and has ended is not waited for. In the same transaction the spare ends the holder's database
sessions, so that one that was stopped in the middle cannot commit, or keep locks. Then the broker, taking the same
client id twice, cuts the old one off.

Invariants: a holder reckons its own lease from before it asked, by its own steady clock, so it knows that it has run
out before anybody else can claim the slot; then it stores nothing (`held`), and it never connects to the broker without
a renewal since (`renewed`). A database that is away costs nobody a slot: nobody else can claim it either. What is
stored twice all the same is refused by history's key.
"""

import asyncio
import os
import socket
from datetime import datetime
from pathlib import Path
from typing import Final

import structlog

from gateway.partition import Share
from gateway.settings import GatewaySettings
from gateway.sql import slots as sql
from kernel.clock import Clock
from kernel.db import Database, Row
from kernel.db_errors import will_pass

_log = structlog.get_logger(__name__)

RENEW_S: Final = 1.0
RETRY_S: Final = 0.25
"""After a renewal that failed."""
LOOK_S: Final = 0.5
"""Between two looks of a spare."""
GRACE_S: Final = 1.5
"""How long a holder has got to come back, by then at the latest having asked again."""
ANSWER_S: Final = 2.0
"""A renewal that takes longer is left alone and another one tried, over another connection."""
UNANSWERED_MAX: Final = 3
"""Also our own connections: a renewal does not wait behind everything else that a slow database keeps waiting."""
GIVE_UP_S: Final = 1.0
"""A stop does not wait longer to say so: the lease runs out by itself."""


class SlotLost(Exception):
    """Another process holds our slot. We end, with whatever we had not acknowledged, and start again as a spare."""


class SlotLease:
    """`claim` a slot, `keep` it, `give_up`."""

    def __init__(self, db: Database, clock: Clock, settings: GatewaySettings) -> None:
        self._db = db.apart(connections_max=UNANSWERED_MAX)
        self._clock = clock
        self._lease_s = settings.lease_s
        self._shares = {share.client_id: share for share in settings.claimable()}
        self._free_since: dict[tuple[str, int, datetime], float] = {}
        self._asking: set[asyncio.Task[bool]] = set()
        self._term = 0
        self._good_until = 0.0
        self.share: Share | None = None
        """What is ours; once claimed, until the end of the process."""
        self.spare = False
        """Every slot was somebody else's when we looked."""

    @property
    def held(self) -> bool:
        """Ours, and nobody else's yet."""
        return self.share is not None and self._clock.monotonic() < self._good_until

    async def claim(self) -> Share:
        """Wait until a slot is ours. A database that is away is asked again."""
        while True:
            try:
                if not self._db.is_open:
                    await self._db.open()
                share = await self._look()
                if share is not None:
                    self.spare = False
                    return share
                if not self.spare:
                    self.spare = True
                    _log.info("waiting_for_a_slot", slots=list(self._shares))
            except Exception as error:
                self._free_since.clear()  # what looked free while nobody could renew says nothing
                if not will_pass(error):
                    _log.exception("slot_claim_failed")
            await self._clock.sleep(LOOK_S)

    async def keep(self) -> None:
        """Renew for ever. Raises SlotLost."""
        answered = True
        while True:
            await self._clock.sleep(RENEW_S if answered else RETRY_S)
            was_held = self.held
            answered = await self._renew()
            if was_held and not self.held:
                _log.warning("slot_lapsed", hint="nothing is stored until the database renews the lease")

    async def renewed(self) -> None:
        """Return after a renewal that was asked for now. Raises SlotLost."""
        while not await self._renew():
            await self._clock.sleep(RETRY_S)

    async def give_up(self) -> None:
        """Let a spare have it at once; briefly tried, not awaited for long. The end of the lease."""
        for asked in self._asking:
            asked.cancel()
        if self.share is not None and self.held:
            self._good_until = 0.0
            giving = asyncio.create_task(self._tell_given_up(self.share))
            await asyncio.wait([giving], timeout=GIVE_UP_S)
            giving.cancel()
        await self._db.close()

    async def _look(self) -> Share | None:
        """One look at the slots, and the claim of the first that has been free for long enough, if any."""
        asked_at = self._clock.monotonic()
        async with self._db.transaction() as tx:
            rows = [row for row in await sql.slots(tx, list(self._shares)) if _free(row)]
            before, now = self._free_since, self._clock.monotonic()
            self._free_since = {_state(row): before.get(_state(row), now) for row in rows}
            row = next((row for row in rows if self._is_given_up(row, now)), None)
            term = None if row is None else await sql.claim_slot(tx, row, holder=_name(), lease_s=self._lease_s)
        if row is None or term is None:
            return None
        share = self._shares[row["client_id"]]
        self.share, self._term = share, term
        self._good_until = asked_at + self._lease_s
        _log.info("slot_claimed", client_id=share.client_id, term=term, after=row["holder"], lapsed=row["lapsed"])
        return share

    def _is_given_up(self, row: Row, now: float) -> bool:
        if row["holder"] is None or (row["orphaned"] and _has_ended(row["holder"])):
            return True
        return now - self._free_since[_state(row)] >= GRACE_S

    async def _renew(self) -> bool:
        """Whether the database said in time that it is still ours. Raises SlotLost when it said no."""
        if len(self._asking) >= UNANSWERED_MAX:
            await asyncio.wait(self._asking, timeout=ANSWER_S, return_when=asyncio.FIRST_COMPLETED)
            if len(self._asking) >= UNANSWERED_MAX:
                return False
        asked = asyncio.create_task(self._ask(), name="slot-renewal")
        self._asking.add(asked)
        asked.add_done_callback(self._answered)
        done, _ = await asyncio.wait([asked], timeout=ANSWER_S)
        if not done:
            asked.cancel()
            return False
        return asked.result()

    async def _ask(self) -> bool:
        share = self.share
        if share is None:
            raise RuntimeError("claim a slot first")
        asked_at = self._clock.monotonic()
        try:
            async with self._db.transaction() as tx:
                ours = await sql.renew_slot(tx, share.client_id, term=self._term, lease_s=self._lease_s)
        except Exception as error:
            self._good_until = 0.0  # without a line to the database a spare may be quicker than the lease
            if not will_pass(error):
                _log.exception("slot_renewal_failed")
            return False
        if not ours:
            self._good_until = 0.0
            raise SlotLost(f"another gateway has taken {share.client_id} over")
        self._good_until = max(self._good_until, asked_at + self._lease_s)
        return True

    def _answered(self, asked: asyncio.Task[bool]) -> None:
        self._asking.discard(asked)
        if not asked.cancelled():
            asked.exception()  # whoever gave up waiting does not want to know

    async def _tell_given_up(self, share: Share) -> None:
        try:
            async with self._db.transaction() as tx:
                await sql.give_up_slot(tx, share.client_id, term=self._term)
        except Exception as error:
            _log.info("slot_not_given_up", why=repr(error), hint="its lease runs out by itself")


def _free(row: Row) -> bool:
    return bool(row["holder"] is None or row["lapsed"] or row["orphaned"])


def _state(row: Row) -> tuple[str, int, datetime]:
    """Changes with every claim and every renewal."""
    return row["client_id"], row["term"], row["until"]


def _name() -> str:
    """Host and process, also for whoever looks into the table."""
    return f"{socket.gethostname()}:{os.getpid()}"


def _has_ended(holder: str) -> bool:
    """Whether `holder` was a process of this host and is no more: the one that is started in its place need not wait.

    Containers may share a name and not their processes, so this alone proves nothing.
    """
    host, _, process = holder.rpartition(":")
    return host == socket.gethostname() and not Path("/proc", process).exists()
