"""Every operator is heard by exactly one slot, and always by the same one."""

import pytest
from pydantic import ValidationError

from gateway.directory import ELSEWHERE, Directory
from gateway.partition import Share, client_id_of, slot_of
from gateway.settings import GatewaySettings

OPERATORS = [f"operator-{number}" for number in range(1_000)]


@pytest.mark.parametrize("partitions", [1, 2, 3, 7, 64])
def test_each_operator_has_one_slot_and_every_slot_its_part(partitions: int) -> None:
    shares = [Share.of("g", slot, partitions, strangers=True) for slot in range(partitions)]
    owners = [[share.slot for share in shares if share.owns(operator)] for operator in OPERATORS]
    assert all(len(owner) == 1 for owner in owners)
    each = [owners.count([slot]) for slot in range(partitions)]
    assert min(each) > 0.3 * len(OPERATORS) / partitions


def test_the_rule_stays_as_it_is() -> None:
    """Another rule would leave messages with client ids that nobody asks for them any more."""
    assert [slot_of(operator, 4) for operator in ("op", "sy-parking", "hospital-1", "metro", "airport")] == [
        2,
        1,
        2,
        3,
        1,
    ]


def test_one_slot_more_takes_from_all_and_moves_nobody_else() -> None:
    before, after = ([slot_of(operator, partitions) for operator in OPERATORS] for partitions in (4, 5))
    moved = [new for old, new in zip(before, after, strict=True) if old != new]
    assert set(moved) == {4}
    assert len(moved) == pytest.approx(len(OPERATORS) / 5, rel=0.3)


def test_client_ids_are_fixed_and_the_only_gateway_keeps_its_plain_name() -> None:
    assert client_id_of("berth-gateway", 0, 1) == "berth-gateway"
    assert client_id_of("berth-gateway", 2, 4) == "berth-gateway-2-of-4"


def test_what_each_slot_subscribes_to() -> None:
    only = Share.of("g", 0, 1, strangers=False)
    first, second = (Share.of("g", slot, 2, strangers=True) for slot in range(2))
    mine = {operator for operator in OPERATORS if slot_of(operator, 2) == 1}
    assert only.standing_filters(["v3/#"]) == ("parking/v1/+/+/+", "v3/#")
    assert first.standing_filters(["v3/#"]) == ("parking/v1/+/+/+", "v3/#")
    assert second.standing_filters(["v3/#"]) == ("parking/v1/g-1-of-2/+/+",)
    assert (only.to_subscribe(OPERATORS), first.to_subscribe(OPERATORS)) == (frozenset(), frozenset())
    assert second.to_subscribe(OPERATORS) == mine
    deaf_to_strangers = Share.of("g", 0, 2, strangers=False)
    assert deaf_to_strangers.to_subscribe(OPERATORS) == frozenset(OPERATORS) - mine
    assert deaf_to_strangers.standing_filters() == ("parking/v1/g-0-of-2/+/+",)


def test_a_process_may_be_told_its_slot() -> None:
    assert [share.slot for share in GatewaySettings(partitions=3).claimable()] == [0, 1, 2]
    assert [share.slot for share in GatewaySettings(partitions=3, slot=1).claimable()] == [1]
    with pytest.raises(ValidationError, match="no slot 3 of 3"):
        GatewaySettings(partitions=3, slot=3)


def test_whom_another_gateway_hears_is_left_to_it_until_it_does_no_more() -> None:
    directory = Directory()
    directory.leave_to_others(frozenset({"op"}))
    assert directory.speaker("parking/v1/op/mall/spaces").kind == ELSEWHERE
    assert directory.speaker("parking/v1/stranger/mall/spaces").kind == "spaces"
    directory.leave_to_others(frozenset())
    assert directory.speaker("parking/v1/op/mall/spaces").kind == "spaces"
