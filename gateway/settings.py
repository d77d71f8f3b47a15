"""What an installation may set about its gateway, each with its reason. `app` fills it from the environment."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from contracts.ids import Slug
from gateway.address import ProtocolVersion, Session
from gateway.cameras.topics import CAMERA_FILTERS
from gateway.envelopes.topics import NETWORK_FILTERS
from gateway.partition import Share
from kernel.rates import Rate


class GatewaySettings(BaseModel):
    """Bounds come in pairs: what one transaction takes in, and what may wait for it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    client_id: Slug = "berth-gateway"
    """Fixed, so that the broker keeps our session. With several partitions `-<slot>-of-<partitions>` follows."""
    protocol: ProtocolVersion = "5"
    partitions: Annotated[int, Field(ge=1, le=64)] = 1
    """How many gateway processes share the operators. More processes than this: the others are spare."""
    slot: Annotated[int, Field(ge=0)] | None = None
    """The only slot this process may claim; none: whichever is free."""
    strangers: bool = True
    """Slot 0 listens to everyone, for those whom no slot has subscribed to (yet). It has to read all messages then."""
    lease_s: Annotated[float, Field(ge=3, le=60)] = 5.0
    """A holder that is silent for this long is replaced: five renewals, and twice that is what a take-over may take."""
    networks: tuple[str, ...] = (*NETWORK_FILTERS, *CAMERA_FILTERS)
    """Topics of LoRaWAN network servers and plate cameras on this broker. They name no operator: slot 0 hears them."""
    ca_file: str | None = None
    session_expiry_s: Annotated[int, Field(ge=0)] = 7 * 24 * 3600
    """How long the broker keeps what we miss: a long weekend without anyone to look."""
    receive_maximum: Annotated[int, Field(ge=20, le=65_535)] = 8_000
    """What a broker may send unacknowledged: two transactions, what comes next, and what waits for the oldest."""
    queue_messages_max: Annotated[int, Field(ge=20)] = 12_000
    """Then reading stops. Above `receive_maximum`, which already bounds it with a broker that speaks MQTT 5."""
    queue_bytes_max: Annotated[int, Field(ge=2_000_000)] = 12_000_000
    """Then reading stops: a database that is away for an hour costs this much memory, however large the messages."""
    batch_events_max: Annotated[int, Field(ge=1, le=50_000)] = 5_000
    batch_messages_max: Annotated[int, Field(ge=1)] = 2_000
    """One transaction: 5,000 events commit in about 100 ms, and twice as many gain nothing."""
    transactions_max: Annotated[int, Field(ge=1, le=8)] = 2
    """At once, of different car parks: one is worked on while another waits for the database."""
    linger_ms: Annotated[int, Field(ge=0, le=1_000)] = 10
    """Transactions start at least this far apart. A lone event does not wait; a busy hour shares its commits."""
    directory_poll_s: Annotated[float, Field(gt=0)] = 1.0
    dead_letters_per_car_park_max: Annotated[int, Field(ge=10)] = 1_000
    dead_letters_ours_per_car_park_max: Annotated[int, Field(ge=10)] = 10_000
    """Of those that we failed to store, which no flood of others displaces: at 64 KiB each, 650 MB of a car park."""
    dead_letters_max: Annotated[int, Field(ge=100)] = 50_000
    """The oldest go; what was refused is kept to be mended, not for ever."""
    dead_letters_days: Annotated[int, Field(ge=1)] = 90
    orders_days: Annotated[int, Field(ge=1)] = 400
    """Who opened which barrier, and why, is asked for until the accounts of the year are closed."""
    message_expiry: bool = True
    """An MQTT 5 broker is told until when to deliver an order. Off for the embedded broker, whose MQTT 3.1.1 listener
    ends when it has to deliver a message with properties."""
    barrier_rate: str = "30/minute"
    """Openings of one lane by one key: twice what a lane lets through, so nobody who works there notices."""

    @field_validator("barrier_rate")
    @classmethod
    def _is_rate(cls, text: str) -> str:
        Rate.of(text)
        return text

    @model_validator(mode="after")
    def _slot_exists(self) -> "GatewaySettings":
        if self.slot is not None and self.slot >= self.partitions:
            raise ValueError(f"there is no slot {self.slot} of {self.partitions}; slots count from 0")
        return self

    def shares(self) -> tuple[Share, ...]:
        """Every slot there is."""
        slots = range(self.partitions)
        return tuple(Share.of(self.client_id, slot, self.partitions, strangers=self.strangers) for slot in slots)

    def claimable(self) -> tuple[Share, ...]:
        """The slots that this process may claim."""
        return self.shares() if self.slot is None else (self.shares()[self.slot],)

    def standing_filters(self, share: Share) -> tuple[str, ...]:
        """What `share` listens to whoever is registered: all kinds by one filter, so their order is kept."""
        return share.standing_filters(self.networks)

    def session(self, share: Share) -> Session:
        """How `share` presents itself to the broker."""
        return Session(
            client_id=share.client_id,
            filters=self.standing_filters(share),
            protocol=self.protocol,
            expiry_s=self.session_expiry_s,
            receive_maximum=self.receive_maximum,
            ca_file=self.ca_file,
            tells_expiry=self.message_expiry,
        )
