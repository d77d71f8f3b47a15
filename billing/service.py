"""The manifest of billing: read this first.

- `serving`, in every API process: what stays cost, who owes what, and paying it.
- `upkeep`, in a worker: what is done by the clock, and what may wait.
"""

from billing.http.policies import BillingPoliciesApi
from contracts.audit import RecordAudit
from contracts.orders import GiveOrder
from kernel.db import Database
from kernel.service import Service

__all__ = ["serving", "upkeep"]


def serving(database: Database, *, record_audit: RecordAudit, give_order: GiveOrder) -> Service:
    """The side that answers."""
    return Service("billing", apis=[BillingPoliciesApi(database, record_audit)])


def upkeep(database: Database, give_order: GiveOrder) -> Service:
    """The side that looks after it."""
    return Service("billing")
