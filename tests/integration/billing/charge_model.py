"""What the ledger and charges must do, in plain Python and by another way than the code's: sets of words, and sums."""

from dataclasses import dataclass, field

OWED = {"due", "accepted", "overdue", "disputed", "adjusted"}
MONEY = {"paid", "part_refunded", "refunded"}


class Refused(Exception):
    """It cannot follow on the state that the charge is in."""


@dataclass
class Kept:
    """One charge. Shares in basis points."""

    amount: int
    owner_bp: int
    platform_bp: int
    state: str
    paid: int = 0
    refunded: int = 0
    level: int = 0

    @property
    def is_rated(self) -> bool:
        """It stands in the ledger."""
        return self.state not in ("quoted", "void")


@dataclass
class Model:
    """Charges by name; `overpaid` is what the channel has for nothing."""

    kept: dict[str, Kept] = field(default_factory=dict)

    def step(self, name: str, verb: str, *, amount: int = 0) -> None:
        """Raises Refused, and then nothing has changed."""
        getattr(self, f"_{verb}")(self.kept[name], amount)

    def _pay(self, one: Kept, _amount: int) -> None:
        self._only(one, OWED | {"quoted", "written_off"})
        one.paid, one.state = one.amount, "paid"

    def _accept(self, one: Kept, _amount: int) -> None:
        self._only(one, {"due", "overdue", "adjusted"})
        one.state = "accepted"

    def _refuse(self, one: Kept, _amount: int) -> None:
        self._only(one, {"accepted", "quoted"})
        one.state = "due"

    def _remind(self, one: Kept, _amount: int) -> None:
        self._only(one, {"due", "overdue", "adjusted"})
        one.state, one.level = "overdue", one.level + 1

    def _write_off(self, one: Kept, _amount: int) -> None:
        self._only(one, {"due", "overdue", "adjusted"})
        one.state = "written_off"

    def _dispute(self, one: Kept, _amount: int) -> None:
        self._only(one, {"due", "overdue"})
        one.state = "disputed"

    def _uphold(self, one: Kept, _amount: int) -> None:
        self._only(one, {"disputed"})
        one.state = "due"

    def _adjust(self, one: Kept, amount: int) -> None:
        self._only(one, {"due", "overdue", "disputed", "adjusted"})
        if amount == 0:
            raise Refused
        one.amount, one.state = amount, "adjusted"

    def _void(self, one: Kept, _amount: int) -> None:
        self._only(one, OWED | {"quoted"})
        one.state = "void"

    def _refund(self, one: Kept, amount: int) -> None:
        self._only(one, MONEY)
        if not 0 < amount <= one.paid - one.refunded:
            raise Refused
        one.refunded += amount
        one.state = "refunded" if one.refunded == one.paid else "part_refunded"

    def _only(self, one: Kept, states: set[str]) -> None:
        if one.state not in states:
            raise Refused

    @property
    def receivable(self) -> int:
        return sum(one.amount for one in self.kept.values() if one.state in OWED)

    @property
    def bad_debt(self) -> int:
        return sum(one.amount for one in self.kept.values() if one.state == "written_off")

    @property
    def collected(self) -> int:
        """What the channel has."""
        return sum(one.paid - one.refunded for one in self.kept.values())

    @property
    def earned(self) -> int:
        """Whatever is somebody's: pending, the operator's, owners', the platform's."""
        return sum(one.amount - one.refunded for one in self.kept.values() if one.is_rated)

    def shares(self, name: str) -> tuple[float, float, float]:
        """The owner's, operator's and platform's parts of what is left of a charge, before any rounding."""
        one = self.kept[name]
        left = one.paid - one.refunded
        owner = left * one.owner_bp / 10_000
        platform = left * one.platform_bp / 10_000
        return owner, left - owner - platform, platform
