"""The manifest of billing: read this first.

- `serving`, in every API process: what stays cost, who owes what, and paying it.
- `upkeep`, in a worker: what is done by the clock, and what may wait.
- `on_passages`: what the gateway runs in its own transactions.
"""

from collections.abc import Sequence
from functools import partial

from billing.http.coupons import CouponsApi
from billing.http.permits import PermitsApi
from billing.http.policies import BillingPoliciesApi
from billing.http.quotes import QuotesApi
from billing.http.tariffs import OperatorTariffsApi
from billing.take_passages import take_passages
from billing.tariff_shelf import TariffShelf
from contracts.audit import RecordAudit
from contracts.facts import PassageHandler, PassageSeen
from contracts.orders import GiveOrder
from kernel.db import Database, Tx
from kernel.service import Service

__all__ = ["on_passages", "serving", "upkeep"]


def on_passages(give_order: GiveOrder) -> PassageHandler:
    """Who comes and goes, as it concerns what is owed."""
    return partial(_take, give_order, TariffShelf())


async def _take(give_order: GiveOrder, shelf: TariffShelf, tx: Tx, passages: Sequence[PassageSeen]) -> None:
    await take_passages(tx, give_order, shelf, passages)


def serving(database: Database, *, record_audit: RecordAudit, give_order: GiveOrder) -> Service:
    """The side that answers."""
    shelf = TariffShelf()
    return Service(
        "billing",
        apis=[
            BillingPoliciesApi(database, record_audit),
            OperatorTariffsApi(database, shelf, record_audit),
            QuotesApi(database, shelf),
            PermitsApi(database, record_audit),
            CouponsApi(database, shelf, record_audit),
        ],
    )


def upkeep(database: Database, give_order: GiveOrder) -> Service:
    """The side that looks after it."""
    return Service("billing")
