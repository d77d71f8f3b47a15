"""Double entry, as values: accounts, postings, journals. Pure; `post` writes them, the database refuses what is out.

Debit is positive, credit negative, amounts are fen. Every function below is one thing that happens to money, and the
only place that says between which accounts it moves; `key` makes each happen once.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from msgspec import Struct

from billing.split import Parts


class AccountKind(StrEnum):
    """Whose money, or whose debt."""

    PAYER = "payer"
    """A vehicle's receivable: what it owes."""
    OPERATOR_PENDING = "operator_pending"
    """Earned by an operator's car parks and not split yet."""
    OPERATOR = "operator"
    OWNER = "owner"
    PLATFORM = "platform"
    CHANNEL_CLEARING = "channel_clearing"
    """What a payment channel has and will pay to the bank."""
    CHANNEL_FEE = "channel_fee"
    BANK = "bank"
    BAD_DEBT = "bad_debt"
    SUSPENSE = "suspense"
    """Somebody's, and nobody knows whose."""


KEPT: Final = (AccountKind.PAYER, AccountKind.OPERATOR, AccountKind.OWNER)
"""Their balances stand in their rows; every other one is the sum of its entries."""


class Account(Struct, frozen=True):
    """`holder`: `plate|color` or `#car_park/ticket` of a payer, the id of an operator, owner or channel, else ""."""

    kind: AccountKind
    holder: str = ""


class Posting(Struct, frozen=True):
    account: Account
    amount: int


class Journal(Struct, frozen=True, kw_only=True):
    """One thing that happened. `operator`: in whose settlement it counts."""

    key: str
    kind: str
    postings: tuple[Posting, ...]
    operator: str | None = None
    charge: str | None = None
    detail: dict[str, object] = {}

    def __post_init__(self) -> None:
        if sum(one.amount for one in self.postings) or len({one.account for one in self.postings}) < len(self.postings):
            raise ValueError(f"{self.key} does not balance, or names an account twice")


class Owed(Struct, frozen=True, kw_only=True):
    """Of a charge, what its journals need."""

    charge: str
    operator: str
    payer: str


def payer_of(*, plate: str | None, color: str | None, car_park: str, ticket: str | None) -> str:
    """The holder of the account of a vehicle, or of a ticket."""
    return f"{plate}|{color or ''}" if plate is not None else f"#{car_park}/{ticket}"


def rated(owed: Owed, amount: int) -> Journal:
    """A stay costs `amount`."""
    return _journal(f"rate:{owed.charge}", "rate", owed, _receivable(owed, amount))


def adjusted(owed: Owed, change: int, *, version: int) -> Journal:
    """It costs `change` more, or less where it is negative; to nothing where it is void."""
    return _journal(f"adjust:{owed.charge}:{version}", "adjust", owed, _receivable(owed, change))


def paid(owed: Owed, amount: int, *, payment: str, channel: str, was_written_off: bool = False) -> Journal:
    """The channel has `amount` for it."""
    credit = Account(AccountKind.BAD_DEBT) if was_written_off else Account(AccountKind.PAYER, owed.payer)
    postings = _move(Account(AccountKind.CHANNEL_CLEARING, channel), credit, amount)
    return _journal(f"pay:{payment}:{owed.charge}", "pay", owed, postings, payment=payment)


def written_off(owed: Owed, amount: int) -> Journal:
    """Nobody will pay it."""
    postings = _move(Account(AccountKind.BAD_DEBT), Account(AccountKind.PAYER, owed.payer), amount)
    return _journal(f"write_off:{owed.charge}", "write_off", owed, postings)


def overpaid(payer: str, amount: int, *, payment: str, charge: str, channel: str) -> Journal:
    """The channel has `amount` for `charge`, of which so much is not owed: it is the payer's until it is given back."""
    postings = _move(Account(AccountKind.CHANNEL_CLEARING, channel), Account(AccountKind.PAYER, payer), amount)
    detail: dict[str, object] = {"payment": payment, "charge": charge}
    return Journal(key=f"overpay:{payment}:{charge}", kind="overpay", postings=postings, detail=detail)


def overpaid_returned(payer: str, amount: int, *, refund: str, channel: str) -> Journal:
    """And was given back."""
    postings = _move(Account(AccountKind.PAYER, payer), Account(AccountKind.CHANNEL_CLEARING, channel), amount)
    return Journal(key=f"refund:{refund}", kind="refund", postings=postings, detail={"refund": refund})


def refunded(owed: Owed, shares: Sequence[Posting], amount: int, *, refund: str, channel: str) -> Journal:
    """`amount` went back to whoever paid; `shares` (debits, `amount` in all) say from whom it comes."""
    postings = (*shares, Posting(Account(AccountKind.CHANNEL_CLEARING, channel), -amount))
    return _journal(f"refund:{refund}", "refund", owed, postings, refund=refund)


def split_up(owed: Owed, change: Parts, *, times: str = "") -> Journal:
    """Of what was paid, the operator's and the platform's parts are theirs; the owner's (`owner_due`) still waits.

    `times` tells a later one of the same charge apart: what was given back before it was split, and came from pending.
    """
    key = f"split:{owed.charge}:{times}" if times else f"split:{owed.charge}"
    postings = (
        Posting(_pending(owed), change.operator + change.platform),
        Posting(Account(AccountKind.OPERATOR, owed.operator), -change.operator),
        Posting(Account(AccountKind.PLATFORM), -change.platform),
    )
    return _journal(key, "split", owed, postings)


def owner_due(owed: Owed, owner: str, amount: int) -> Journal:
    """The owner's part is the owner's."""
    postings = _move(_pending(owed), Account(AccountKind.OWNER, owner), amount)
    return _journal(f"owner:{owed.charge}", "owner", owed, postings)


def billed(channel: str, line: int, amount: int) -> Journal:
    """By line `line` of its bill, `channel` has put `amount` into the bank, or taken it out."""
    postings = _move(Account(AccountKind.BANK), Account(AccountKind.CHANNEL_CLEARING, channel), amount)
    return Journal(key=f"bill:{channel}:{line}", kind="bill", postings=postings)


def channel_fee(channel: str, what: str, amount: int) -> Journal:
    """`channel` has kept `amount` of the payment or refund `what`, or (negative) given it back."""
    postings = _move(Account(AccountKind.CHANNEL_FEE), Account(AccountKind.CHANNEL_CLEARING, channel), amount)
    return Journal(key=f"fee:{what}", kind="fee", postings=postings, detail={"channel": channel})


def fees_taken(operator: str, settlement: str, amount: int) -> Journal:
    """The fees of a day's payments are the operator's."""
    postings = _move(Account(AccountKind.OPERATOR, operator), Account(AccountKind.CHANNEL_FEE), amount)
    return Journal(key=f"fees:{settlement}", kind="fees", postings=postings, operator=operator)


def paid_out(operator: str, settlement: str, amount: int) -> Journal:
    """The operator has it."""
    postings = _move(Account(AccountKind.OPERATOR, operator), Account(AccountKind.BANK), amount)
    return Journal(key=f"payout:{settlement}", kind="payout", postings=postings, operator=operator)


def paid_out_to_owner(owner: str, payout: str, amount: int) -> Journal:
    """The owner has it."""
    postings = _move(Account(AccountKind.OWNER, owner), Account(AccountKind.BANK), amount)
    return Journal(key=f"payout:{payout}", kind="payout", postings=postings, detail={"owner": owner})


def set_aside(difference: str, channel: str, amount: int) -> Journal:
    """`channel` has `amount` more than we know of (less, where it is negative), and nobody knows whose it is."""
    postings = _move(Account(AccountKind.CHANNEL_CLEARING, channel), Account(AccountKind.SUSPENSE), amount)
    return Journal(key=f"suspense:{difference}", kind="suspense", postings=postings)


def billed_too_much(difference: str, channel: str, payer: str, amount: int) -> Journal:
    """`channel` has `amount` too much: it is the payer's until it is given back."""
    postings = _move(Account(AccountKind.CHANNEL_CLEARING, channel), Account(AccountKind.PAYER, payer), amount)
    return Journal(key=f"too_much:{difference}", kind="overpay", postings=postings, detail={"difference": difference})


def lost(owed: Owed, difference: str, channel: str, amount: int) -> Journal:
    """`channel` has `amount` less than we know of, and the operator bears it."""
    postings = _move(
        Account(AccountKind.OPERATOR, owed.operator), Account(AccountKind.CHANNEL_CLEARING, channel), amount
    )
    return _journal(f"loss:{difference}:{owed.charge}", "loss", owed, postings, difference=difference)


def lost_by_nobody(difference: str, channel: str, amount: int) -> Journal:
    """The same where no charge is known: it is the platform's bad debt."""
    postings = _move(Account(AccountKind.BAD_DEBT), Account(AccountKind.CHANNEL_CLEARING, channel), amount)
    return Journal(key=f"loss:{difference}", kind="loss", postings=postings, detail={"difference": difference})


def _receivable(owed: Owed, amount: int) -> tuple[Posting, ...]:
    return _move(Account(AccountKind.PAYER, owed.payer), _pending(owed), amount)


def _pending(owed: Owed) -> Account:
    return Account(AccountKind.OPERATOR_PENDING, owed.operator)


def _move(debit: Account, credit: Account, amount: int) -> tuple[Posting, ...]:
    return Posting(debit, amount), Posting(credit, -amount)


def _journal(key: str, kind: str, owed: Owed, postings: tuple[Posting, ...], **detail: object) -> Journal:
    moving = tuple(one for one in postings if one.amount)
    return Journal(key=key, kind=kind, postings=moving, operator=owed.operator, charge=owed.charge, detail=detail)
