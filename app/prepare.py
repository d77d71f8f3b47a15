"""Makes a database ready for `berth up`: `python -m app.prepare CAR_PARKS`, a child of the supervisor.

Migrates, fills an empty registry with a city of CAR_PARKS (0: leaves it empty), and makes the credentials for trying
things out: the same operator's key at every start, kept in the data directory beside the signing key.
"""

import asyncio
import sys

import structlog
from msgspec.json import encode

from app.data_dir import DataDir, write_secret
from app.exit_codes import CommandFailed, Exit
from app.patience import database_awaited
from app.prepared import Prepared
from app.settings import BerthSettings
from billing.seed_tariffs import Priced, seed_tariffs
from kernel import logs
from kernel.api_keys import split_api_key
from kernel.clock import Clock, SystemClock
from kernel.db import Database
from kernel.migrate import SchemaMismatch, migrate, migrations_of
from kernel.settings import load
from kernel.tokens import load_or_create_signing_key, mint_driver_token
from registry.catalogue import CarParkPlan
from registry.city_generator import generate_city
from registry.districts import load_districts
from registry.issue_key import issue_key
from registry.key_store import RegistryKeyStore
from registry.seed import is_registry_empty, seed_city
from registry.tell_tariffs import tell_tariffs

CITY_SEED = 24
"""The demo's city is the same everywhere: 024 is Shenyang's dialling code."""
DRIVER = "demo-driver"


def main() -> None:
    """Print `Prepared` as one line of JSON."""
    settings = load(BerthSettings)
    logs.configure(level=settings.log_level, style=settings.log_style, role="prepare")
    log = structlog.get_logger(__name__)
    try:
        prepared = asyncio.run(prepare(settings, SystemClock(), car_parks=int(sys.argv[1])))
    except CommandFailed as failed:
        log.error(str(failed))
        sys.exit(failed.code)
    except SchemaMismatch as mismatch:
        log.error(str(mismatch))
        sys.exit(Exit.SCHEMA_MISMATCH)
    sys.stdout.write(encode(prepared).decode() + "\n")


async def prepare(settings: BerthSettings, clock: Clock, *, car_parks: int) -> Prepared:
    """Migrate, seed, make credentials. Raises SchemaMismatch, and CommandFailed when the database stays away."""
    await database_awaited(lambda: migrate(settings.database_url, migrations_of()), clock)
    database = Database(settings.database_url, clock, connections_max=2, name="berth prepare")
    await database.open()
    try:
        seeded = await _seed(database, settings, car_parks) if car_parks else 0
        data = DataDir(settings.data_dir)
        driver = mint_driver_token(load_or_create_signing_key(data.signing_key), DRIVER, clock.now())
        return Prepared(driver, await _operator_key(database, data), seeded)
    finally:
        await database.close()


async def _seed(database: Database, settings: BerthSettings, car_parks: int) -> int:
    async with database.transaction() as tx:
        if not await is_registry_empty(tx):
            return 0
        districts = load_districts(settings.registry.districts_file)
        city = generate_city(CITY_SEED, car_parks, districts, time_zone=settings.registry.time_zone)
        await seed_city(tx, city)
        await seed_tariffs(tx, map(_priced, city.plans), tell_tariffs)
        return len(city.plans)


def _priced(plan: CarParkPlan) -> Priced:
    park = plan.car_park
    told = park.tariff_summary
    assert told is not None, "a generated car park says what it charges"  # noqa: S101
    return Priced(park.id, park.time_zone, plan.tariff, {"zh": told.zh, "en": told.en})


async def _operator_key(database: Database, data: DataDir) -> str:
    """The key for every operator that this data directory has, when this database knows it; otherwise a new one."""
    if data.operator_key.exists():
        kept = data.operator_key.read_text(encoding="utf-8")
        parts = split_api_key(kept)
        stored = await RegistryKeyStore(database).find(parts[0]) if parts else None
        if stored is not None and stored.revoked_at is None:
            return kept
    async with database.transaction() as tx:
        issued = await issue_key(tx, None, name="berth up", actor="berth up")
    write_secret(data.operator_key, issued.text)
    return issued.text


if __name__ == "__main__":
    main()
