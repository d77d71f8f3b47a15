"""The device profiles that there are, as `app.compose` hands them in: their names, and what may be set for each."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from contracts.profiles import InLane, InLanes, ProfileCard
from kernel.edge_problems import MalformedBody
from kernel.json_body import faults_of
from registry.errors import UnknownProfile


@dataclass(frozen=True, slots=True)
class Profiles:
    """`by_name` None: nobody said which there are, every name and all settings are taken."""

    by_name: Mapping[str, ProfileCard] | None = None

    @classmethod
    def of(cls, cards: Iterable[ProfileCard]) -> "Profiles":
        """By their names and aliases."""
        return cls({name: card for card in cards for name in (card.name, *card.aliases)})

    def cards(self) -> Sequence[ProfileCard]:
        """Each once, by name."""
        once = {card.name: card for card in (self.by_name or {}).values()}
        return [once[name] for name in sorted(once)]

    def check(self, profile: str, settings: Mapping[str, Any]) -> Sequence[InLane]:
        """The lanes that `settings` name.

        Raises UnknownProfile, and MalformedBody for settings that devices of this profile do not have.
        """
        if self.by_name is None:
            return ()
        card = self.by_name.get(profile)
        if card is None:
            raise UnknownProfile(self._advice(profile), profile=profile)
        try:
            read = card.settings.model_validate(settings)
        except ValidationError as invalid:
            raise MalformedBody.all(faults_of(invalid, "body", "settings", of=card.settings)) from None
        return read.in_lanes() if isinstance(read, InLanes) else ()

    def _advice(self, profile: str) -> str:
        """What to write instead of an unknown `profile`."""
        known = sorted(self.by_name or ())
        near = difflib.get_close_matches(profile, known, n=1, cutoff=0.5)
        return f"{profile} is no device profile: " + (f"did you mean {near[0]}?" if near else f"there are {known}")
