"""The API's description without a running server: `berth openapi`, and the source of the pages' types."""

from typing import Any

from prometheus_client import CollectorRegistry

from app.compose import answering
from app.loops import LoopMetrics
from app.settings import BerthSettings
from app.tools import Tools
from app.version import about_version
from kernel.clock import Clock
from kernel.db import Database
from kernel.openapi import describe
from kernel.operations import operations_of


def describe_api(settings: BerthSettings, clock: Clock) -> dict[str, Any]:
    """The OpenAPI document of every operation; nothing is connected to."""
    registry = CollectorRegistry()
    tools = Tools(settings, clock, Database(settings.database_url, clock), registry, LoopMetrics(registry))
    mounted = [one for service in answering(tools)[0] for api in service.apis for one in operations_of(api)]
    return describe(mounted, version=about_version()["version"])
