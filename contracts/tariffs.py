"""What billing tells the registry: what a car park charges, in a sentence for everybody."""

from collections.abc import Awaitable, Callable, Mapping

from contracts.ids import CarParkId
from kernel.db import Tx

TellTariffs = Callable[[Tx, Mapping[CarParkId, Mapping[str, str] | None]], Awaitable[None]]
"""the registry's verb: `{"zh", "en"}` of each of these car parks from now on, None: nobody knows. What an operator says
of his car park himself goes before it.
"""
