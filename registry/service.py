"""The registry's manifest: what it serves. It repeats nothing and has no jobs."""

from collections.abc import Collection

from contracts.facts import RecordFacts
from contracts.profiles import ProfileCard
from kernel.db import Database
from kernel.service import Service
from registry.districts import load_districts
from registry.http.car_parks import OperatorCarParksApi
from registry.http.districts import DistrictsApi
from registry.http.equipment import DevicesApi, OperatorSignsApi
from registry.http.imports import ImportApi
from registry.http.keys import KeysApi
from registry.http.lanes import LanesApi
from registry.http.operators import OperatorsApi
from registry.http.profiles import ProfilesApi
from registry.http.spaces import SpacesApi
from registry.http.zones import ZonesApi
from registry.profiles import Profiles
from registry.register import Surroundings
from registry.settings import RegistrySettings


def registry_service(
    db: Database,
    settings: RegistrySettings,
    *,
    on_counts: RecordFacts | None = None,
    profiles: Collection[ProfileCard] | None = None,
) -> Service:
    """`on_counts` takes the live values of an imported feed, in its transaction; `profiles` are the decoders there are.

    Raises OSError, BadDistricts when the city's own districts cannot be read.
    """
    city = Surroundings(load_districts(settings.districts_file), settings.time_zone)
    known = Profiles() if profiles is None else Profiles.of(profiles)
    return Service(
        name="registry",
        apis=[
            OperatorCarParksApi(db, city),
            ZonesApi(db),
            SpacesApi(db),
            LanesApi(db),
            DevicesApi(db, known),
            ProfilesApi(known),
            OperatorSignsApi(db),
            OperatorsApi(db),
            KeysApi(db),
            ImportApi(db, city, settings, on_counts),
            DistrictsApi(city.districts),
        ],
    )
