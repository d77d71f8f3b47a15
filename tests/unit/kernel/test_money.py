"""Money is whole fen: nothing else gets in."""

import pytest
from pydantic import ValidationError

from kernel.money import Money


@pytest.mark.parametrize("amount", [12.5, "12", True, 10**13, None])
def test_only_whole_minor_units_in_range_are_money(amount: object) -> None:
    with pytest.raises(ValidationError):
        Money.model_validate({"amount": amount, "currency": "CNY"})


def test_money_reads_back_as_it_was_written() -> None:
    assert Money.model_validate({"amount": 1200, "currency": "CNY"}).model_dump() == {"amount": 1200, "currency": "CNY"}
