"""Put a whole city into the registry at once: what `berth up --demo` does on its first start."""

from kernel.db import Tx
from registry.catalogue import City
from registry.sql import audit, bulk


async def is_registry_empty(tx: Tx) -> bool:
    """Whether there is no car park yet: only then may a city be seeded."""
    return await bulk.is_empty(tx)


async def seed_city(tx: Tx, city: City) -> None:
    """Insert `city` by COPY (250,000 spaces take a few seconds). A car park that exists refuses the whole city.

    Operators that exist already stay as they are. What is inserted is not checked again beyond the constraints.
    """
    await bulk.insert_operators(tx, city.operators)
    await bulk.copy_plans(tx, city.plans)
    await audit.record(
        tx,
        actor="seed",
        operator=None,
        action="seed",
        subject="city",
        detail={"car_parks": len(city.plans), "capacity": city.capacity},
    )
    await audit.bump_revision(tx)
