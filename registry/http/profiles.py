"""`/v1/operator/device-profiles`: which devices can be read, and what may be set for each."""

from typing import Any

from pydantic import Field

from contracts.profiles import ProfileCard
from kernel.http import LIMIT_DEFAULT, OPERATE, Caller, Cursor, Limit, Page, after_id, encode_cursor, operation
from registry.profiles import Profiles
from registry.views import View


class ExampleView(View):
    """A message as the device sends it, and what it means."""

    hex: str
    port: int | None
    says: str


class ProfileView(View):
    """A device profile; `name` or one of `aliases` is what `PUT /v1/operator/devices/{device}` takes as `profile`."""

    name: str
    aliases: list[str]
    vendor: str
    model: str
    codec: str = Field(description="The version of the decoder; another one may read the same bytes differently.")
    measures: str = Field(description="`space`, `passages`, or what the settings decide.")
    ports: list[int] = Field(description="LoRaWAN ports that the device sends on; none = any.")
    source: str = Field(description="Whose description of the bytes the decoder follows.")
    settings_schema: dict[str, Any] = Field(description="JSON Schema of a device's `settings`.")
    example: ExampleView | None

    @classmethod
    def of(cls, card: ProfileCard) -> "ProfileView":
        example = card.example
        return cls(
            name=card.name,
            aliases=list(card.aliases),
            vendor=card.vendor,
            model=card.model,
            codec=card.codec,
            measures=card.measures,
            ports=list(card.ports),
            source=card.source,
            settings_schema=card.settings.model_json_schema(),
            example=None if example is None else ExampleView(hex=example.hex, port=example.port, says=example.says),
        )


class ProfilesApi:
    """What can be registered as a device."""

    def __init__(self, profiles: Profiles) -> None:
        self._profiles = profiles

    @operation(
        get="/v1/operator/device-profiles",
        summary="Devices that can be read",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: Page[ProfileView]},
    )
    async def list(self, caller: Caller, limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None) -> Page[ProfileView]:
        """By name; the same for everyone."""
        del caller
        after = after_id(cursor)
        cards = [card for card in self._profiles.cards() if card.name > after]
        shown = [ProfileView.of(card) for card in cards[:limit]]
        return Page(items=shown, next=encode_cursor(shown[-1].name) if len(cards) > limit else None)
