"""What `app.prepare` tells the supervisor, in one line of JSON; apart from it, so that reading it costs no imports."""

from msgspec import Struct


class Prepared(Struct, frozen=True):
    """The database is migrated; `seeded` car parks were made now (0: there were some, or none were asked for)."""

    driver_token: str
    operator_key: str
    seeded: int
