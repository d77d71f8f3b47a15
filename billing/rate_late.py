"""Stays of vehicles that had gone long before we knew, too many for a gateway's batch: billed a little later."""

from typing import Final

from billing.bill_session import Till, bill_sessions, in_order
from billing.sql import passages, sweeps
from billing.sql import sessions as sql
from billing.tariff_shelf import TariffShelf
from contracts.orders import GiveOrder
from kernel.db import Database

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
            await bill_sessions(tx, till, stays)
            return len(rows)
