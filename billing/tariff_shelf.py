"""Versions of tariffs, read once and kept: a version never changes, so a process reads each one time.

Who prices needs two things: which version an entry is priced by (`version_at`, one look into an index) and the version
itself, parsed and worked out (`version`, no look at all once it stands here).
"""

from collections import OrderedDict
from datetime import datetime
from typing import Final

from billing.sql import tariffs as sql
from billing.tariffs.tariff import TariffVersion, read_tariff
from kernel.db import Tx

VERSIONS_MAX: Final = 2_048
"""A city has a few for each car park; the ones used longest ago go. Some 35 kB each, once stays were priced by them."""


class TariffShelf:
    """One a process."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, TariffVersion] = OrderedDict()

    async def version(self, tx: Tx, tariff: str) -> TariffVersion:
        """The version with this id, which exists: sessions and charges name no other."""
        known = self._kept.get(tariff)
        if known is not None:
            self._kept.move_to_end(tariff)
            return known
        document = await sql.document(tx, tariff)
        if document is None:
            raise LookupError(f"{tariff} is no tariff")
        version = self._kept[tariff] = read_tariff(document)
        if len(self._kept) > VERSIONS_MAX:
            self._kept.popitem(last=False)
        return version

    async def version_at(self, tx: Tx, car_park: str, zone: str, entry: datetime) -> tuple[str, TariffVersion] | None:
        """Its id and itself: what a stay that begins at `entry` costs. None: no tariff was in force."""
        row = await sql.version_at(tx, car_park, zone, entry)
        return None if row is None else (row["id"], await self.version(tx, row["id"]))
