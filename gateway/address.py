"""Where a broker is, out of one URL, and how we present ourselves to it."""

from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote, urlsplit

ProtocolVersion = Literal["3.1.1", "5"]

_PORTS = {"mqtt": 1883, "mqtts": 8883}


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """A broker. `tls` also verifies its certificate against `host`."""

    host: str
    port: int
    tls: bool
    username: str | None
    password: str | None

    @classmethod
    def of(cls, url: str) -> "BrokerAddress":
        """Raises ValueError for another scheme or a missing host; the message never holds the password."""
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname:
            raise ValueError("a broker's address is mqtt://[user:password@]host[:port] or mqtts://...")
        return cls(
            host=parts.hostname,
            port=parts.port or _PORTS[parts.scheme],
            tls=parts.scheme == "mqtts",
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
        )


@dataclass(frozen=True, slots=True)
class Session:
    """With `expiry_s` 0 the broker forgets us at once, else it keeps what we missed for that long.

    `receive_maximum` bounds what it sends without an acknowledgement (MQTT 5 only). `qos`, 0 or 1, is what we subscribe
    with. `ca_file` is for TLS; without it the machine's own authorities count. `tells_expiry`: a broker that speaks
    MQTT 5 is told until when a message with a deadline may be delivered.
    """

    client_id: str
    filters: tuple[str, ...]
    protocol: ProtocolVersion = "5"
    expiry_s: int = 0
    receive_maximum: int = 2_000
    qos: int = 1
    ca_file: str | None = None
    tells_expiry: bool = True
