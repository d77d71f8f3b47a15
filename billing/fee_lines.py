"""The lines of a fee as they are kept with a session and a charge, and told to whoever pays. Pure."""

from typing import Any

from billing.tariffs.explain import why
from billing.tariffs.fee import Fee, Line
from kernel.moments import wire_time


def lines_of(fee: Fee) -> list[dict[str, Any]]:
    """Their amounts (fen) add up to the fee's total."""
    return [_line(one, fee.minor_digits) for one in fee.lines]


def _line(line: Line, minor_digits: int) -> dict[str, Any]:
    said = why(line, minor_digits)
    return {
        "kind": line.kind,
        "amount": line.amount,
        "from": wire_time(line.begins),
        "until": wire_time(line.ends),
        "why": {"zh": said.zh, "en": said.en},
    }
