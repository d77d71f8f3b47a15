"""The document of a tariff as a car park here may have it: what the engine refuses, what does not fit here. Pure."""

from typing import Any, Final

from billing.tariffs.tariff import TariffRefused, TariffVersion, read_tariff
from kernel.edge_problems import MalformedBody
from kernel.faults import Fault, fault
from kernel.moments import YEAR_MAX, YEAR_MIN

CURRENCY, MINOR_DIGITS = "CNY", 2
"""What charges and the ledger are in."""
FAULTS_MAX: Final = 20


def read_document(document: dict[str, Any], *, time_zone: str, prefix: str = "") -> TariffVersion:
    """The version that `document` says for a car park in `time_zone`. Raises MalformedBody with each field that is
    wrong, and what to do; `prefix` is where in the body the document stands.
    """
    try:
        version = read_tariff({"time_zone": time_zone, **document})
    except TariffRefused as refused:
        raise MalformedBody.all(
            [
                fault("body", _place(prefix, "" if one.field == "tariff" else one.field), one.advice)
                for one in refused.refusals[:FAULTS_MAX]
            ]
        ) from refused
    if faults := _unfit(version, time_zone, prefix):
        raise MalformedBody.all(faults)
    return version


def _unfit(version: TariffVersion, time_zone: str, prefix: str) -> list[Fault]:
    """What is no mistake in a tariff, but in one of a car park here."""
    faults = []
    if (version.currency, version.minor_digits) != (CURRENCY, MINOR_DIGITS):
        field = "minor_digits" if version.currency == CURRENCY else "currency"
        message = f"charges are in {CURRENCY} with {MINOR_DIGITS} digits: leave currency and minor_digits out"
        faults.append(fault("body", _place(prefix, field), message))
    if version.time_zone != time_zone:
        message = f"the car park's clock is that of {time_zone}: leave time_zone out"
        faults.append(fault("body", _place(prefix, "time_zone"), message, version.time_zone))
    for field, moment in (("valid_from", version.valid_from), ("valid_until", version.valid_until)):
        if moment is not None and not YEAR_MIN < moment.year < YEAR_MAX:
            faults.append(
                fault("body", _place(prefix, field), f"the year must be from {YEAR_MIN + 1} to {YEAR_MAX - 1}")
            )
    return faults


def _place(prefix: str, field: str) -> str:
    return ".".join(filter(None, (prefix, field)))
