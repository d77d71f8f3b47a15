"""Where a broker listens and as whom we come, out of one URL."""

import ssl
from typing import Final
from urllib.parse import unquote, urlsplit

from msgspec import Struct

_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}


class BrokerAddress(Struct, frozen=True):
    """`username` None: nobody in particular; `tls` None: in the clear."""

    host: str
    port: int
    username: str | None
    password: str
    tls: ssl.SSLContext | None

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def broker_address(url: str) -> BrokerAddress:
    """Read `mqtt://[user:password@]host[:port]` or `mqtts://`. Raises ValueError, which does not tell the password."""
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or parts.hostname is None:
        raise ValueError(f"not an MQTT address: {parts.scheme}://{parts.hostname}")
    return BrokerAddress(
        parts.hostname,
        parts.port or _PORTS[parts.scheme],
        None if parts.username is None else unquote(parts.username),
        unquote(parts.password or ""),
        ssl.create_default_context() if parts.scheme == "mqtts" else None,
    )
