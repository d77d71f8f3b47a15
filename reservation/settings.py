"""The settings section of reservation."""

from pydantic import BaseModel, ConfigDict, Field


class ReservationSettings(BaseModel):
    """How often deadlines are looked at, and how far ahead shared windows are laid out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sweep_s: float = Field(default=1.0, ge=0.05, le=60, description="Between two looks at deadlines.")
    laid_days: int = Field(default=60, ge=1, le=366, description="Shared windows are laid out so far ahead.")
