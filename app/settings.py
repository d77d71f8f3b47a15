"""All settings of a process: the addresses and limits of the whole, and one section for every service.

Every service declares its section in its own file; here they only get their names. `berth config` prints the result.
"""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from gateway.settings import GatewaySettings
from kernel.settings import Settings
from occupancy.settings import OccupancySettings
from registry.settings import RegistrySettings


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
    behind_proxy: bool = Field(default=False, description="Believe X-Forwarded-For of the peer.")


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

    @property
    def mqtt5(self) -> str:
        """The address of the MQTT 5 listener."""
        return self.mqtt_v5_url or self.mqtt_url

    @property
    def pages(self) -> Path:
        """The folder of the built pages, which may not have been built."""
        return self.pages_dir or Path(__file__).resolve().parent.parent / "web" / "dist"
