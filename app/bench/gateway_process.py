"""The gateway as production runs it: `berth serve gateway`, told by settings only where its parts are."""

from pathlib import Path

from app.bench.role_process import RoleProcess


class GatewayProcess(RoleProcess):
    """One gateway process that can be started and stopped again; its log is kept in `folder`."""

    def __init__(
        self, folder: Path, *, database_url: str, mqtt_url: str, settings: dict[str, str] | None = None
    ) -> None:
        super().__init__("gateway", folder, database_url=database_url, mqtt_url=mqtt_url, settings=settings)
