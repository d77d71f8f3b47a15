"""All settings of a process: the addresses and limits of the whole, and one section for every service.

Every service declares its section in its own file; here they only get their names. `berth config` prints the result.
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from billing.settings import BillingSettings
from gateway.settings import GatewaySettings
from kernel.addresses import LOCAL, networks
from kernel.settings import Settings
from kernel.sse import STREAMS_MAX, STREAMS_PER_ADDRESS_MAX
from occupancy.settings import OccupancySettings
from registry.settings import RegistrySettings
from reservation.settings import ReservationSettings


def _network(text: str) -> str:
    networks([text])
    return text


NetworkText = Annotated[str, AfterValidator(_network)]
"""`10.0.0.0/8`, `::1`; a host without its network is itself."""


class AuthSettings(BaseModel):
    """Who signs drivers' tokens: an OIDC issuer when one is named, otherwise the key in the data directory."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: str = Field(default="", description="OIDC issuer whose tokens are believed; empty: our own signing key.")
    audience: str = Field(default="berth", description="The audience that tokens must name.")


class HttpSettings(BaseModel):
    """Limits of the HTTP edge."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rate_caller: str = Field(default="6000/minute", description="Requests of one key or driver.")
    rate_anonymous: str = Field(default="3000/minute", description="Requests of one address without credentials.")
    trusted_proxies: tuple[NetworkText, ...] = Field(
        default=(), description='Whose X-Forwarded-For is believed, e.g. ["10.0.0.5/32"].'
    )
    metrics_from: tuple[NetworkText, ...] = Field(
        default=LOCAL, description="Which networks may read /metrics; private ones. []: none."
    )
    streams_max: int = Field(default=STREAMS_MAX, ge=1, description="Live streams of one api process.")
    streams_per_address_max: int = Field(
        default=STREAMS_PER_ADDRESS_MAX, ge=1, description="Those of one address; a carrier's NAT is one."
    )


class BerthSettings(Settings):
    """Environment names are these in capitals after `BERTH_`, with `__` before a section's own."""

    database_url: str = Field(default="", description="PostgreSQL 15 or newer; empty: `berth up` embeds one.")
    database_connections_max: int = Field(default=8, ge=1, le=90, description="Connections of one process.")
    mqtt_url: str = Field(default="", description="Broker, mqtt:// or mqtts://; empty: `berth up` embeds one.")
    mqtt_v5_url: str = Field(default="", description="The broker's MQTT 5 listener, where it is another one.")
    http_host: str = Field(default="127.0.0.1", description="Where the api listens.")
    http_port: int = Field(default=8080, ge=0, le=65535, description="Where the api listens; 0: a free port.")
    monitor_host: str = Field(default="127.0.0.1", description="Where gateway and worker serve /metrics and /readyz.")
    monitor_port: int = Field(default=0, ge=0, le=65535, description="Same; 0: a free port.")
    metrics_also: dict[str, str] = Field(
        default_factory=dict, description='Other processes\' /metrics shown by the api: {"gateway": "http://..."}.'
    )
    data_dir: Path = Field(default=Path("var"), description="Embedded data, signing key, what runs where.")
    pages_dir: Path | None = Field(default=None, description="The built pages; empty: web/dist of this checkout.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(default="INFO", description="From which level on.")
    log_style: Literal["auto", "console", "json"] = Field(default="auto", description="auto: JSON off a terminal.")
    http: HttpSettings = HttpSettings()
    auth: AuthSettings = AuthSettings()
    registry: RegistrySettings = RegistrySettings()
    gateway: GatewaySettings = GatewaySettings()
    occupancy: OccupancySettings = OccupancySettings()
    reservation: ReservationSettings = ReservationSettings()
    billing: BillingSettings = BillingSettings()

    @property
    def mqtt5(self) -> str:
        """The address of the MQTT 5 listener."""
        return self.mqtt_v5_url or self.mqtt_url

    @property
    def pages(self) -> Path:
        """The folder of the built pages, which may not have been built."""
        return self.pages_dir or Path(__file__).resolve().parent.parent / "web" / "dist"
