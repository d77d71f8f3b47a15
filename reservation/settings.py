"""The settings section of reservation."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class ReservationSettings(BaseModel):
    """How often deadlines are looked at, and how far ahead shared windows are laid out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sweep_s: float = Field(default=1.0, ge=0.05, le=60, description="Between two looks at deadlines.")
    signing_key_file: Path | None = Field(
        default=None, description="Ed25519 JWK that signs passes and seals offers; empty: in the data directory."
    )
    laid_days: int = Field(default=60, ge=1, le=366, description="Shared windows are laid out so far ahead.")
    webhooks_loopback: bool = Field(
        default=False, description="Webhooks may be http on this machine's own addresses: for trials, never in service."
    )
