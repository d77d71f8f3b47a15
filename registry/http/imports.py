"""`POST /v1/operator/import`: somebody else's feed in the body."""

import re
from typing import Annotated, Any, Final

from aiohttp import web
from pydantic import Field, StringConstraints

from contracts.facts import RecordFacts
from contracts.ids import Slug
from kernel.db import Database
from kernel.edge_problems import InvalidParameter
from kernel.http import OPERATE, Caller, operation
from kernel.json_body import read_body
from registry.errors import UnknownOperator, UnreadableFeed
from registry.feeds.records import FormatName
from registry.import_feed import ImportOptions, ImportResult, import_feed
from registry.import_sites import Outcome
from registry.register import Surroundings
from registry.settings import RegistrySettings
from registry.time_zones import is_time_zone
from registry.views import View

Crs = Annotated[str | None, StringConstraints(pattern=r"^(EPSG:)?[0-9]{4,5}$"), Field(examples=["EPSG:25832"])]
_JSON: Final[dict[str, Any]] = {
    "schema": {
        "type": ["object", "array"],
        "description": "GeoJSON (Freiburg's too), ParkAPI's answer, or a list of records such as Opendatasoft's.",
    }
}
TAKES: Final[dict[str, Any]] = {
    "application/json": _JSON,
    "application/geo+json": _JSON,
    "text/csv": {"schema": {"type": "string", "description": "A row a car park, the names of its columns first."}},
    "application/xml": {"schema": {"type": "string", "description": "DATEX II: a table or a status publication."}},
}


class AcceptedView(View):
    """A record that was taken; `live` = its numbers too."""

    index: int
    id: str
    car_park: str
    outcome: Outcome
    live: bool


class RejectedView(View):
    """A record, or one `field` of it, that was not taken, and why; `index` -1 is the feed as a whole."""

    index: int
    id: str | None
    field: str
    reason: str
    detail: str


class ImportView(View):
    """What became of a feed."""

    format: FormatName | None
    operator: str | None
    dry_run: bool
    accepted: list[AcceptedView]
    rejected: list[RejectedView]
    counts: int

    @classmethod
    def of(cls, result: ImportResult, *, dry_run: bool) -> "ImportView":
        return cls(
            format=result.format,
            operator=result.operator,
            dry_run=dry_run,
            accepted=[
                AcceptedView(**{name: getattr(record, name) for name in AcceptedView.model_fields})
                for record in result.accepted
            ],
            rejected=[
                RejectedView(**{name: getattr(refused, name) for name in RejectedView.model_fields})
                for refused in result.rejected
            ],
            counts=len(result.counts),
        )


class ImportApi:
    """Feeds of other systems."""

    def __init__(
        self, db: Database, city: Surroundings, settings: RegistrySettings, on_counts: RecordFacts | None
    ) -> None:
        self._db = db
        self._city = city
        self._settings = settings
        self._on_counts = on_counts

    @operation(
        post="/v1/operator/import",
        summary="Import a feed",
        tags=("operator",),
        scopes=OPERATE,
        responses={200: ImportView},
        problems=(UnknownOperator, UnreadableFeed),
        takes=TAKES,
    )
    async def run(
        self,
        caller: Caller,
        request: web.Request,
        *,
        operator: Slug | None = None,
        time_zone: str | None = None,
        crs: Crs = None,
        dry_run: bool = False,
    ) -> ImportView:
        """The feed is the body: GeoJSON, CSV, ParkAPI, Opendatasoft (Basel), Freiburg or DATEX II, by its content,
        whatever its Content-Type says.

        Records that cannot be taken are in `rejected`, each with its reason; one never fails the others. `time_zone`
        is of times without offset, `crs` of coordinates in undeclared metres. Repeating it changes nothing.
        """
        if time_zone is not None and not is_time_zone(time_zone):
            raise InvalidParameter.of("query", "time_zone", "not an IANA time zone such as Asia/Shanghai", time_zone)
        content = await read_body(request, self._settings.feed_bytes_max)
        epsg = None if crs is None else int(re.sub(r"\D", "", crs))
        options = ImportOptions(operator, time_zone, epsg, dry_run)
        result = await import_feed(self._db, self._city, caller, content, options=options, on_counts=self._on_counts)
        if result.format is None:
            refusal = result.rejected[0]
            raise UnreadableFeed(refusal.detail, reason=refusal.reason)
        return ImportView.of(result, dry_run=dry_run)
