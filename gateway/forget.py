"""Dead letters are kept to be mended, not for ever: the oldest go, and what one car park floods costs no other."""

from datetime import timedelta

from gateway import sql
from gateway.settings import GatewaySettings
from kernel.db import Tx


async def forget_dead_letters(tx: Tx, settings: GatewaySettings) -> int:
    """Forget what is over the limits of `settings`; how many went."""
    return await sql.forget_dead_letters(
        tx,
        older_than=tx.now - timedelta(days=settings.dead_letters_days),
        per_car_park_max=settings.dead_letters_per_car_park_max,
        all_max=settings.dead_letters_max,
    )
