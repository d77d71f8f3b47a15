"""The names of the device profiles that the gateway decodes, as `app.compose` hands them in."""

import difflib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Profiles:
    """`names` None: nobody said which there are, every name is taken."""

    names: frozenset[str] | None = None

    def knows(self, profile: str) -> bool:
        """Whether devices of this profile can be decoded."""
        return self.names is None or profile in self.names

    def advice(self, profile: str) -> str:
        """What to write instead of an unknown `profile`."""
        known = sorted(self.names or ())
        near = difflib.get_close_matches(profile, known, n=1, cutoff=0.5)
        return f"{profile} is no device profile: " + (f"did you mean {near[0]}?" if near else f"there are {known}")
