"""Stays of vehicles that had gone long before we knew, too many for a gateway's batch: billed a little later."""

from collections.abc import Sequence
from typing import Final

from billing.bill_anew import bill_anew
from billing.bill_session import Till, bill_sessions, in_order
from billing.new_session import visit_of
from billing.rate_session import looks_back
from billing.session_lifecycle import PRICED
from billing.sql import passages, sweeps
from billing.sql import sessions as sql
from billing.tariff_shelf import TariffShelf
from contracts.orders import GiveOrder
from kernel.db import Database, Row, Tx

RATE_S: Final = 1.0
"""How long such a stay waits at least."""
PART_ROWS: Final = 50
"""In one transaction, some seconds at most."""
PARTS_MAX: Final = 20
"""In one turn of the loop."""


class RateLate:
    """The loop of a worker; several at once share the work."""

    def __init__(self, database: Database, give_order: GiveOrder) -> None:
        self._database = database
        self._give_order = give_order
        self._shelf = TariffShelf()

    async def step(self) -> int:
        """How many were billed."""
        billed = 0
        for _ in range(PARTS_MAX):
            part = await self._part()
            billed += part
            if part < PART_ROWS:
                break
        return billed

    async def _part(self) -> int:
        async with self._database.transaction() as tx:
            rows = sorted(await sweeps.unbilled(tx, limit=PART_ROWS), key=in_order)
            if not rows:
                return 0
            policies = await sql.policies(tx, {row["car_park"] for row in rows})
            till = Till(give_order=self._give_order, shelf=self._shelf, policies=policies)
            left = await passages.read_all(tx, [(row["car_park"], row["exit_passage"]) for row in rows])
            stays = [(row, left[row["car_park"], row["exit_passage"]]) for row in rows]
            await self._look_at_later(tx, till, await bill_sessions(tx, till, stays))
            return len(rows)

    async def _look_at_later(self, tx: Tx, till: Till, billed: Sequence[Row]) -> None:
        """Visits that were priced before these were known, and whose price looks back at them."""
        for row in billed:
            back = None
            if row["state"] in PRICED and row["tariff"] is not None and row["plate"] is not None:
                back = looks_back(await self._shelf.version(tx, row["tariff"]))
            if back is None:
                continue
            for later in await sql.later_priced(tx, row, row["entry_at"] + back):
                ends = [(later["car_park"], later[end]) for end in ("entry_passage", "exit_passage")]
                seen = await passages.read_all(tx, ends)
                await bill_anew(tx, till, later, visit_of(later, seen[ends[0]], seen[ends[1]]))
