"""The baseline of `reserve` as a script for pgbench: the service's own statements, with values made by PostgreSQL."""

import re
from collections.abc import Sequence
from pathlib import Path

import msgspec

from app.bench.reserve_client import DAYS
from kernel.idempotency import KEEP, NEW
from reservation.policy import Policy, Terms
from reservation.sql.holds import HOLD
from reservation.sql.reservations import CONFIRM

_ANSWER_BYTES = 900
"""As long as a reservation is in JSON."""
_ID = "('rsv_' || lpad(to_hex(:high::bigint), 16, '0') || lpad(to_hex(:low::bigint), 16, '0'))"
_DAY = "(date_trunc('day', now(), 'UTC') + :day * interval '1 day')"
_BEGINS = f"({_DAY} + :minute * interval '1 minute')"
_UNTIL = f"({_BEGINS} + :stay * interval '1 minute')"
_DRIVER = "('raw-' || :client_id)"
_HEADERS = """'{"Content-Type": "application/json"}'::jsonb"""


def write_script(folder: Path, car_parks: int, spaces_each: int, reservable: int, numbered: float) -> Path:
    """The script, one reservation a run."""
    lines = [
        "\\set high random(0, 4611686018427387903)",
        "\\set low random(0, 4611686018427387903)",
        f"\\set park random(0, {car_parks - 1})",
        f"\\set place random(0, {spaces_each - 1})",
        f"\\set day random(1, {DAYS})",
        "\\set minute random(0, 1439)",
        "\\set stay random(30, 240)",
        f"\\set numbered random(0, {round(1 / numbered) - 1})",
        "\\set over case when :minute + :stay > 1440 then 1 else 0 end",
        "\\set last case when :over = 1 then 1440 else :minute + :stay end",
        "\\set rest :minute + :stay - 1440",
        "\\if :over",
        *_request("hold", _hold(reservable, parts=2)),
        "\\else",
        *_request("hold", _hold(reservable, parts=1)),
        "\\endif",
        *_request("confirm", _filled(CONFIRM, [_ID, _DRIVER, "now()"])),
    ]
    path = folder / "reserve.pgbench"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _request(verb: str, effect: str) -> list[str]:
    """What the API sends for one: the key, the effect, the answer."""
    key = f"(:high::text || '{verb}')"
    route = f"'POST /v1/reservations/{verb}'"
    lock = f"(:high::bigint # {len(verb)}::bigint)"
    body = f"convert_to(repeat('x', {_ANSWER_BYTES}), 'UTF8')"
    new = NEW.format(principal=_DRIVER, route=route, key=key, lock=lock)
    keep = KEEP.format(
        principal=_DRIVER,
        route=route,
        key=key,
        request=f"sha256(:high::text::bytea || '{verb}'::bytea)",
        status=200,
        headers=_HEADERS,
        body=body,
        now="now()",
    )
    return ["BEGIN;", _line(new), effect, _line(keep), "COMMIT;"]


def _hold(reservable: int, *, parts: int) -> str:
    terms = msgspec.json.encode(msgspec.to_builtins(Terms.of(Policy()))).decode()
    days = [f"{_DAY}::date", f"({_DAY} + interval '1 day')::date"][:parts]
    firsts, lasts = [":minute + 1", "1"][:parts], [":last", ":rest"][:parts]
    space = "(CASE WHEN :numbered = 0 THEN :park * 1000 + :place + 1000000 END)::integer"
    return _filled(
        HOLD,
        [
            _ID,
            _DRIVER,
            "('bench-' || lpad((:park)::text, 3, '0'))",
            space,
            f"(CASE WHEN {space} IS NOT NULL THEN 'B1-' || :place END)::text",
            "NULL::text",
            "('辽A' || to_hex(:high::bigint))",
            "'blue'::text",
            _BEGINS,
            _UNTIL,
            f"'{terms}'::jsonb",
            "500::bigint",
            "(now() + interval '5 minutes')",
            f"({_BEGINS} - interval '15 minutes')",
            f"({_BEGINS} + interval '30 minutes')",
            "now()",
            """'{"cause": "driver"}'::jsonb""",
            f"ARRAY[{', '.join(days)}]",
            f"ARRAY[{', '.join(firsts)}]",
            "(SELECT revision FROM registry.revision_now)",
            "NULL",
            "false",
            f"ARRAY[{', '.join(lasts)}]",
            str(reservable),
            "0",
        ],
    )


def _filled(statement: str, values: Sequence[str]) -> str:
    """`statement` in one line, its parameters replaced by expressions."""
    bare = re.sub(r"--.*", "", statement)
    filled = re.sub(r"\$(\d+)", lambda found: values[int(found[1]) - 1], bare)
    return _line(filled)


def _line(statement: str) -> str:
    return " ".join(statement.split()) + ";"
