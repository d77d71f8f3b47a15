"""Who is calling: what every credential is turned into before an operation sees it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from kernel.access_problems import MissingScope, Unauthenticated

Kind = Literal["driver", "operator", "anonymous"]

DRIVER_SCOPES = frozenset({"read", "reserve"})
"""What a driver's token allows unless it says less."""
OPERATE: Final = frozenset({"operate"})
"""What an operation on one's own things asks for."""
OPERATOR_SCOPES = frozenset({"read", "operate"})
"""What an operator's key allows unless it says less: `operate` sets up and mends."""
INGEST_SCOPE = "ingest"
"""Reports what cars do, signed or from one device; only a key that was made for it carries it."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The authenticated principal of one request; `operators` None means every operator.

    A key for one `device` speaks for that device only.
    """

    kind: Kind
    id: str
    scopes: frozenset[str] = frozenset()
    operators: frozenset[str] | None = frozenset()
    device: str | None = None

    def may_manage(self, operator_id: str) -> bool:
        """Whether this caller is an operator's key that covers `operator_id`; scopes are checked at the edge."""
        return self.kind == "operator" and (self.operators is None or operator_id in self.operators)

    @property
    def covered(self) -> Sequence[str] | None:
        """The operators that `may_manage` allows, as SQL takes them; None = every one."""
        if self.kind != "operator":
            return []
        return None if self.operators is None else sorted(self.operators)

    @property
    def principal(self) -> str:
        """The name under which the edge keeps what belongs to this caller: `driver:ann`, `operator:3f2a...`."""
        return f"{self.kind}:{self.id}"

    def require(self, scopes: Iterable[str]) -> None:
        """Raises Unauthenticated for an anonymous caller, MissingScope for the first scope that is lacking."""
        lacking = [scope for scope in sorted(scopes) if scope not in self.scopes]
        if self.kind == "anonymous":
            raise Unauthenticated
        if lacking:
            raise MissingScope(f"this needs the scope “{lacking[0]}”, which these credentials lack", scope=lacking[0])


ANONYMOUS = Caller(kind="anonymous", id="")
