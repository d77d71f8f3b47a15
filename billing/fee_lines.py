"""The lines of a fee as they are kept with a session and a charge, and told to whoever pays. Pure."""

from datetime import datetime
from typing import Any

from billing.tariffs.explain import why
from billing.tariffs.fee import Fee, Line
from kernel.moments import wire_time


def lines_of(fee: Fee) -> list[dict[str, Any]]:
    """Their amounts (fen) add up to the fee's total."""
    return [_line(one, fee.minor_digits) for one in fee.lines]


def paid_before(amount: int, at: datetime) -> dict[str, Any]:
    """The line that takes off what was paid already, last at `at`."""
    why = {"zh": "此前已付", "en": "paid before"}
    return {"kind": "paid_before", "amount": -amount, "from": wire_time(at), "until": wire_time(at), "why": why}


def _line(line: Line, minor_digits: int) -> dict[str, Any]:
    said = why(line, minor_digits)
    return {
        "kind": line.kind,
        "amount": line.amount,
        "from": wire_time(line.begins),
        "until": wire_time(line.ends),
        "why": {"zh": said.zh, "en": said.en},
    }
