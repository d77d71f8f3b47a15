"""The trail of what operators do, as the operations write it."""

from typing import Any, Protocol

from kernel.db import Tx


class RecordAudit(Protocol):
    """Who did what to what, kept with the effect; the registry's, handed in by `app`."""

    async def __call__(
        self, tx: Tx, *, actor: str, operator: str | None, action: str, subject: str, detail: dict[str, Any]
    ) -> None: ...
