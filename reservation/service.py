"""The manifest of reservation: read this first.

- `serving`, in every API process: holds and what becomes of them.
"""

from contracts.audit import RecordAudit
from kernel.db import Database
from kernel.service import Service
from reservation.http.offers import OffersApi
from reservation.http.reservations import ReservationsApi
from reservation.signing import SigningKey


def serving(database: Database, *, signing_key: SigningKey, record_audit: RecordAudit) -> Service:
    """The side that answers."""
    return Service("reservation", apis=[OffersApi(database, signing_key), ReservationsApi(database, signing_key)])
