"""Every statement of the service: a constant and a typed function each, by what they are about."""

from occupancy.sql.counts import count_states, insert_counts, insert_passages, net_passages_after, put_count_states
from occupancy.sql.facts import (
    insert_online_events,
    insert_samples,
    insert_space_events,
    keep_news,
    put_space_states,
    space_orders,
    zone_of_spaces,
    zone_sums,
)
from occupancy.sql.places import car_park_revisions, place_rows, registry_revision, zone_places
from occupancy.sql.standings import lock_standings, lock_with_revision, put_standings, standings_now, versions

__all__ = [
    "car_park_revisions",
    "count_states",
    "insert_counts",
    "insert_online_events",
    "insert_passages",
    "insert_samples",
    "insert_space_events",
    "keep_news",
    "lock_standings",
    "lock_with_revision",
    "net_passages_after",
    "place_rows",
    "put_count_states",
    "put_space_states",
    "put_standings",
    "registry_revision",
    "space_orders",
    "standings_now",
    "versions",
    "zone_of_spaces",
    "zone_places",
    "zone_sums",
]
