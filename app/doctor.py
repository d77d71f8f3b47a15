"""`berth doctor`: what Berth stands on, one finding a part, each with what to do when it is wrong."""

import asyncio
import shutil
import sys

from msgspec import Struct

from app.data_dir import DataDir
from app.settings import BerthSettings
from billing.check_ledger import MOVED_WITHIN
from billing.ledger_differences import ledger_differences
from gateway.service import try_broker
from kernel.clock import Clock
from kernel.db import Database, DatabaseAway
from kernel.ids import new_id
from kernel.migrate import SchemaMismatch, check_schema, migrations_of
from kernel.server_facts import server_facts
from kernel.settings import masked

ANSWER_S_MAX = 3.0
DISK_FREE_BYTES_MIN = 2 * 1024**3
"""Write-ahead log alone may take 2 GB."""
CLOCK_APART_S_MAX = 2.0
"""Events are ordered by time; a minute wrong here makes every device look early or late."""
POSTGRES_MIN = 150_000


class Finding(Struct, frozen=True):
    """What was found of one part; `advice` says what to do, empty when all is well."""

    part: str
    ok: bool
    found: str
    advice: str = ""


async def examine(settings: BerthSettings, clock: Clock) -> list[Finding]:
    """All findings; nothing is changed."""
    running = DataDir(settings.data_dir).running()
    database = settings.database_url or (running.database_socket if running else "")
    broker = settings.mqtt_url or (running.mqtt if running else "")
    return [
        _python(),
        _disk(settings),
        _pages(settings),
        *await _database(database, clock),
        await _broker(broker, settings.gateway.ca_file, clock),
    ]


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    ok = sys.version_info >= (3, 11)
    return Finding("python", ok, version, "" if ok else "Python 3.11 or newer is needed")


def _disk(settings: BerthSettings) -> Finding:
    folder = settings.data_dir.resolve()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    ok = free >= DISK_FREE_BYTES_MIN
    advice = "" if ok else f"make room, or choose another --data-dir: at least {DISK_FREE_BYTES_MIN >> 30} GiB"
    return Finding("disk", ok, f"{free / 2**30:.1f} GiB free at {folder}", advice)


def _pages(settings: BerthSettings) -> Finding:
    ok = (settings.pages / "index.html").exists()
    return Finding("pages", ok, str(settings.pages) if ok else "not built", "" if ok else "build them with `make env`")


async def _database(url: str, clock: Clock) -> list[Finding]:
    if not url:
        advice = "start `berth up`, or set BERTH_DATABASE_URL"
        return [Finding("database", ok=False, found="no address", advice=advice)]
    database = Database(url, clock, connections_max=1, name="berth doctor")
    try:
        await database.open()
        server = await server_facts(database)
        number, apart_s = server.version, abs((server.clock - clock.now()).total_seconds())
    except DatabaseAway as away:
        advice = "is it running, and is BERTH_DATABASE_URL right?"
        return [Finding("database", ok=False, found=f"{masked(url)}: {away.detail}", advice=advice)]
    finally:
        await database.close()
    new_enough = number >= POSTGRES_MIN
    together = apart_s <= CLOCK_APART_S_MAX
    return [
        Finding(
            "database",
            new_enough,
            f"PostgreSQL {number // 10_000}.{number % 10_000} at {masked(url)}",
            "" if new_enough else "PostgreSQL 15 or newer is needed",
        ),
        Finding(
            "clock",
            together,
            f"{apart_s:.2f} s apart from the database's",
            "" if together else "synchronise both machines by NTP",
        ),
        *await _schema_and_ledger(url, clock),
    ]


async def _schema_and_ledger(url: str, clock: Clock) -> list[Finding]:
    """A ledger is only looked for where its tables are."""
    schema = await _schema(url)
    return [schema, await _ledger(url, clock)] if schema.ok else [schema]


async def _ledger(url: str, clock: Clock) -> Finding:
    """What the nightly check looks at, now."""
    database = Database(url, clock, connections_max=1, name="berth doctor")
    try:
        await database.open()
        async with database.transaction(readonly=True) as tx:
            found = await ledger_differences(tx, charges_since=tx.now - MOVED_WITHIN)
    except (DatabaseAway, TimeoutError) as away:
        return Finding("ledger", ok=False, found=str(away), advice="try again when the database is less busy")
    finally:
        await database.close()
    told = [f"{'a payer' if one.subject.startswith('payer:') else one.subject}: {one.what}" for one in found[:3]]
    advice = "pay nobody out, and see docs/settlement.md: something is kept that the entries do not say"
    if found:
        return Finding("ledger", ok=False, found=f"{len(found)} differences: {'; '.join(told)}", advice=advice)
    return Finding("ledger", ok=True, found="every journal balances, and what is kept is what they come to")


async def _schema(url: str) -> Finding:
    migrations = migrations_of()
    try:
        await check_schema(url, migrations)
    except SchemaMismatch as mismatch:
        return Finding("schema", ok=False, found=str(mismatch), advice="`berth migrate`, with every process stopped")
    return Finding("schema", ok=True, found=f"all {len(migrations)} migrations applied")


async def _broker(url: str, ca_file: str | None, clock: Clock) -> Finding:
    """Logs in as a gateway would, with a name of its own: nobody is disturbed."""
    if not url:
        return Finding("broker", ok=False, found="no address", advice="start `berth up`, or set BERTH_MQTT_URL")
    try:
        async with asyncio.timeout(ANSWER_S_MAX):
            await try_broker(url, client_id=new_id("doctor", clock.now()), ca_file=ca_file)
    except (OSError, TimeoutError, ValueError) as error:
        advice = "is it running, and are BERTH_MQTT_URL, its password and BERTH_GATEWAY__CA_FILE right?"
        return Finding("broker", ok=False, found=f"{masked(url)}: {error!r}", advice=advice)
    return Finding("broker", ok=True, found=f"{masked(url)} lets us in")
