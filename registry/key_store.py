"""Where `kernel.auth` finds the keys that operators call with: the table behind `issue_key`."""

from kernel.api_keys import StoredKey
from kernel.db import Database
from registry.sql import keys


class RegistryKeyStore:
    """The `KeyStore` of the HTTP edge; it caches nothing, the edge does."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def find(self, key_id: str) -> StoredKey | None:
        """The key with this id, also when it is revoked or expired; None when there never was one."""
        async with self._db.transaction(readonly=True) as tx:
            return await keys.find_key(tx, key_id)
