"""What is written down twice, because the wire knows no services, says the same."""

from typing import get_args

from contracts.orders import OrderKind
from contracts.wire import OrderKindWord


def test_every_kind_of_order_has_its_word_on_the_wire_and_no_other() -> None:
    assert set(get_args(OrderKindWord)) == {kind.value for kind in OrderKind}
