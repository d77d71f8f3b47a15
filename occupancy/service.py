"""The manifest of occupancy: read this first.

The gateway's process records (`Occupancy.record_facts` runs inside its transactions) and sweeps; the API's processes
serve from a board in memory; the worker keeps the partitions and counts again at night.
"""

from contracts.facts import RecordFacts
from occupancy.record import Recorder
from occupancy.settings import OccupancySettings


def recorder_of(settings: OccupancySettings) -> RecordFacts:
    """The verb that the gateway runs in its transaction."""
    return Recorder(settings).record_facts
