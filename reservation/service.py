"""The manifest of reservation: read this first.

- `serving`, in every API process: holds and what becomes of them.
"""

from kernel.db import Database
from kernel.service import Service
from reservation.http.reservations import ReservationsApi


def serving(database: Database) -> Service:
    """The side that answers."""
    return Service("reservation", apis=[ReservationsApi(database)])
