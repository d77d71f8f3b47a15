"""What is asked of whoever cannot say when they came. Pure."""

from msgspec.structs import replace

from billing.tariffs.fee import Fee, Line, NoPlanFits
from billing.tariffs.stay import Stay
from billing.tariffs.tariff import TariffVersion


def without_ticket(fee: Fee, version: TariffVersion, stay: Stay, at: int) -> Fee:
    """The fee of whoever lost the ticket. Raises NoPlanFits when the tariff does not say what that costs."""
    rule = version.lost_ticket
    if rule is None:
        raise NoPlanFits("this tariff does not say what a lost ticket costs")
    if rule.how == "at_least" and fee.total >= rule.amount:
        return fee
    added = Line(kind="lost_ticket", amount=rule.amount, begins_s=stay.entry, ends_s=at, price=rule.amount)
    if rule.how == "added":
        return replace(fee, total=fee.total + rule.amount, lines=(*fee.lines, added))
    told = replace(fee, total=rule.amount, lines=(added,))
    return told if rule.how == "at_least" else replace(told, rises_at=None, changes_at=None)
