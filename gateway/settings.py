"""What an installation may set about its gateway, each with its reason. `app` fills it from the environment."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from contracts.ids import Slug
from contracts.wire import PREFIX
from gateway.address import ProtocolVersion, Session

ECHO_KIND = "echo"
"""The last level of the topic on which a silent gateway asks the broker whether it still delivers."""


class GatewaySettings(BaseModel):
    """Bounds come in pairs: what one transaction takes in, and what may wait for it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    client_id: Slug = "berth-gateway"
    """Fixed, so that the broker keeps our session. One per process: a second with the same id takes over the first."""
    protocol: ProtocolVersion = "5"
    operators: tuple[Slug, ...] = ()
    """This gateway's part of the city when several share it; empty = all. Each part has a client id of its own."""
    ca_file: str | None = None
    session_expiry_s: Annotated[int, Field(ge=0)] = 7 * 24 * 3600
    """How long the broker keeps what we miss: a long weekend without anyone to look."""
    receive_maximum: Annotated[int, Field(ge=20, le=65_535)] = 2_000
    """What a broker may send unacknowledged: at 10 ms a commit, 200,000 a second would fit."""
    queue_messages_max: Annotated[int, Field(ge=20)] = 6_000
    """Then reading stops. Above `receive_maximum`, which already bounds it with a broker that speaks MQTT 5."""
    queue_bytes_max: Annotated[int, Field(ge=2_000_000)] = 12_000_000
    """Then reading stops: a database that is away for an hour costs this much memory, however large the messages."""
    batch_events_max: Annotated[int, Field(ge=1, le=50_000)] = 5_000
    batch_messages_max: Annotated[int, Field(ge=1)] = 2_000
    """One transaction: 5,000 events commit in about 100 ms, and twice as many gain nothing."""
    linger_ms: Annotated[int, Field(ge=0, le=1_000)] = 10
    """Transactions start at least this far apart. A lone event does not wait; a busy hour shares its commits."""
    directory_poll_s: Annotated[float, Field(gt=0)] = 1.0
    dead_letters_per_car_park_max: Annotated[int, Field(ge=10)] = 1_000
    dead_letters_max: Annotated[int, Field(ge=100)] = 50_000
    """The oldest go; what was refused is kept to be mended, not for ever."""
    dead_letters_days: Annotated[int, Field(ge=1)] = 90

    def session(self) -> Session:
        """How we present ourselves to the broker. All kinds by one filter: their order between each other is kept."""
        operators = self.operators or ("+",)
        return Session(
            client_id=self.client_id,
            filters=tuple(f"{PREFIX}/{operator}/+/+" for operator in operators),
            protocol=self.protocol,
            expiry_s=self.session_expiry_s,
            receive_maximum=self.receive_maximum,
            ca_file=self.ca_file,
        )

    def echo_topic(self) -> str:
        """Within the filters of `session`, and nobody's car park."""
        operator = self.operators[0] if self.operators else self.client_id
        return f"{PREFIX}/{operator}/{self.client_id}/{ECHO_KIND}"
