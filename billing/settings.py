"""The settings section of billing: which payment channels there are, and how each is reached.

A channel is there once it is configured, and then all of it; the sandbox, with which everybody pays for nothing, as
long as no other one is.
"""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, model_validator

Address = Annotated[str, StringConstraints(pattern=r"^(https?://[^\s?#]+)?$")]


class SandboxSettings(BaseModel):
    """The channel that lives in our own database and moves no money."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool | None = Field(
        default=None, description="Whether drivers may choose it; empty: only where no other channel is configured."
    )
    collects_after_s: float = Field(default=2.0, ge=0, le=86_400, description="From accepted to paid, and for refunds.")
    secret: SecretStr = Field(
        default=SecretStr(""), description="Signs its callbacks; empty: they are made and heard in the worker only."
    )


class WechatSettings(BaseModel):
    """WeChat Pay for parking, partner mode. There once `mch_id` is set."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mch_id: str = Field(default="", description="Our merchant number as a service provider.")
    sub_mchid: str = Field(default="", description="The sub-merchant that is paid.")
    appid: str = Field(default="", description="The app that drivers know us by.")
    serial: str = Field(default="", description="Serial number of our certificate.")
    private_key_file: Path | None = Field(default=None, description="Our private key, PEM.")
    platform_key_file: Path | None = Field(default=None, description="WeChat Pay's public key or certificate, PEM.")
    platform_key_id: str = Field(default="", description="Its id (PUB_KEY_ID_...) or serial number.")
    more_platform_keys: dict[str, Path] = Field(
        default_factory=dict, description='Further ones, while they change: {"id": "file.pem"}.'
    )
    apiv3_key: SecretStr = Field(default=SecretStr(""), description="Decrypts notifications; 32 bytes.")
    gateway: Address = Field(default="https://api.mch.weixin.qq.com", description="Base address.")
    profit_sharing: bool = Field(default=False, description="WeChat holds payments until they are shared out.")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.mch_id:
            _require(self, "sub_mchid", "appid", "serial", "private_key_file", "platform_key_file", "platform_key_id")
            if len(self.apiv3_key.get_secret_value().encode()) != 32:
                raise ValueError("apiv3_key has 32 bytes")
        return self


class AlipaySettings(BaseModel):
    """Alipay for parking. There once `app_id` is set."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    app_id: str = Field(default="", description="Our app.")
    seller_id: str = Field(default="", description="The account that is paid, 2088...")
    parking_id: str = Field(default="", description="Alipay's id of our car parks that have none of their own.")
    parking_ids: dict[str, str] = Field(default_factory=dict, description='By car park: {"sy-1": "PI1..."}.')
    private_key_file: Path | None = Field(default=None, description="Our private key, PEM.")
    alipay_key_file: Path | None = Field(default=None, description="Alipay's public key, PEM.")
    app_auth_token: SecretStr = Field(default=SecretStr(""), description="Of the merchant whom we act for.")
    gateway: Address = Field(default="https://openapi.alipay.com/gateway.do", description="Whole address.")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.app_id:
            _require(self, "seller_id", "parking_id", "private_key_file", "alipay_key_file")
        return self


class ChannelsSettings(BaseModel):
    """Which channels there are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    public_url: Address = Field(
        default="", description="Where channels and drivers reach our API; empty: where it listens."
    )
    default: Literal["", "sandbox", "wechat", "alipay"] = Field(
        default="", description="For whoever names none; empty: the first of wechat, alipay, sandbox that is there."
    )
    sandbox: SandboxSettings = SandboxSettings()
    wechat: WechatSettings = WechatSettings()
    alipay: AlipaySettings = AlipaySettings()

    @property
    def has_sandbox(self) -> bool:
        """Never beside real money, unless somebody wants it so."""
        enabled = self.sandbox.enabled
        return not (self.wechat.mch_id or self.alipay.app_id) if enabled is None else enabled

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if (self.wechat.mch_id or self.alipay.app_id) and not self.public_url:
            raise ValueError("public_url is needed: payment channels call us there")
        return self


class BillingSettings(BaseModel):
    """What billing reads at the start of a process; what differs from place to place is `billing.policy`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    channels: ChannelsSettings = ChannelsSettings()


def _require(settings: BaseModel, *names: str) -> None:
    missing = [name for name in names if not getattr(settings, name)]
    if missing:
        raise ValueError(f"needs {', '.join(missing)} as well")
