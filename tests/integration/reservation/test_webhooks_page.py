"""What docs/webhooks.md says is what the service does: its snippet verifies, its kinds and delays are ours."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

from reservation.webhook import DELAYS, TRIED_FOR, Kind
from tests.integration.reservation.conftest import Site
from tests.integration.reservation.test_webhooks import Receiver, Worker, receiver, set_up, shown_secret, worker

__all__ = ["receiver", "worker"]

PAGE = (Path(__file__).parents[3] / "docs" / "webhooks.md").read_text()


def verifier() -> Any:
    """The page's `is_ours`."""
    [block] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    made: dict[str, Any] = {}
    exec(block, made)
    return made["is_ours"]


async def test_the_snippet_verifies_what_is_sent_and_nothing_else(
    site: Site, receiver: Receiver, worker: Worker
) -> None:
    secret = shown_secret(await set_up(site, receiver, events=["held"]))
    await site.hold()
    await worker.relay()
    await worker.work()
    [(headers, body)] = receiver.told
    is_ours, now = verifier(), int(site.clock.now().timestamp())
    assert is_ours(secret, headers, body, now=now)
    assert is_ours(secret, headers, body, now=now + 300)
    assert not is_ours(secret, headers, body, now=now + 301)
    assert not is_ours(secret, headers, body + b" ", now=now)
    assert not is_ours(secret, {**headers, "webhook-id": "whd_another"}, body, now=now)
    assert not is_ours(secret, {**headers, "webhook-signature": "v1,AAAA v2,BBBB"}, body, now=now)
    assert not is_ours(shown_secret(bytes(32)), headers, body, now=now)
    renewed = (await site.post("/v1/operator/webhooks/ours/secret", who="mira")).json["secret"]
    await site.hold(200, 260)
    await worker.relay()
    await worker.work()
    for one in (secret, renewed):
        assert is_ours(one, *receiver.told[-1], now=now)


def test_the_page_names_every_kind_and_delay() -> None:
    assert {kind for kind in Kind if f"`{kind}`" in PAGE} == set(Kind)
    hours = [delay // timedelta(hours=1) for delay in DELAYS if delay >= timedelta(hours=1)]
    assert f"{', '.join(map(str, hours[:-1]))} and {hours[-1]} hours" in PAGE
    assert sum(DELAYS, timedelta()) < TRIED_FOR
