"""Every statement of the gateway, by subject. It owns the schema `gateway` and reads others' published views."""

from gateway.sql.dead_letters import (
    add_dead_letters,
    forget_dead_letters,
    lock_dead_letter,
    page_of_dead_letters,
    set_dead_letter_detail,
    set_replayed,
)
from gateway.sql.directory import (
    car_park_revisions,
    car_parks_of_devices,
    devices_of,
    lanes_of,
    registry_revision,
    spaces_of,
    zones_of,
)
from gateway.sql.tallies import add_tallies, tally_of
from gateway.sql.uplinks import claim_uplinks

__all__ = [
    "add_dead_letters",
    "add_tallies",
    "car_park_revisions",
    "car_parks_of_devices",
    "claim_uplinks",
    "devices_of",
    "forget_dead_letters",
    "lanes_of",
    "lock_dead_letter",
    "page_of_dead_letters",
    "registry_revision",
    "set_dead_letter_detail",
    "set_replayed",
    "spaces_of",
    "tally_of",
    "zones_of",
]
