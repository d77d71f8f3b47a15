"""Dead letters are kept to be mended, not for ever: the oldest go, and what one car park floods costs no other."""

from datetime import timedelta

import structlog
from msgspec import Struct
from prometheus_client import CollectorRegistry, Counter

from gateway import sql
from gateway.settings import GatewaySettings
from kernel.db import Tx

_log = structlog.get_logger(__name__)


class Forgotten(Struct, frozen=True):
    """How many dead letters went: past their age; displaced by newer ones; and those that we had failed to store."""

    aged: int
    crowded_out: int
    ours_crowded_out: int


class ForgottenMetrics:
    """One per process, made by `upkeep`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._letters = Counter(
            "berth_gateway_dead_letters_forgotten",
            "Dead letters deleted, by why: aged, crowded_out, ours_crowded_out (what we ourselves failed to store)",
            ["why"],
            registry=registry,
        )

    def count(self, forgotten: Forgotten) -> None:
        """After the commit. What we failed to store and then dropped is a loss, and said aloud."""
        for why in Forgotten.__struct_fields__:
            self._letters.labels(why).inc(getattr(forgotten, why))
        if forgotten.ours_crowded_out:
            _log.error("unstored_messages_forgotten", letters=forgotten.ours_crowded_out)


async def forget_dead_letters(tx: Tx, settings: GatewaySettings) -> Forgotten:
    """Forget what is over the limits of `settings`."""
    row = await sql.forget_dead_letters(
        tx,
        older_than=tx.now - timedelta(days=settings.dead_letters_days),
        per_car_park_max=settings.dead_letters_per_car_park_max,
        all_max=settings.dead_letters_max,
        ours_per_car_park_max=settings.dead_letters_ours_per_car_park_max,
    )
    return Forgotten(**row)
