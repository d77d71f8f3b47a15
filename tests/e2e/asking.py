"""REST from outside, as apps, consoles and passers-by ask."""

import asyncio
import json
import subprocess
import urllib.error
import urllib.request
from typing import Any

from kernel.clock import SystemClock
from kernel.ids import new_id
from tests.e2e.outside import City, berth


class Api:
    """REST at an address; without a token it is a passer-by who asks."""

    def __init__(self, http: str) -> None:
        self._http = http

    async def ask(self, token: str | None, method: str, path: str, body: object = None) -> Any:
        return await asyncio.to_thread(self._asked, token, method, path, body)

    async def items(self, token: str, path: str) -> list[Any]:
        found: list[Any] = (await self.ask(token, "GET", path))["items"]
        return found

    async def press(self, path: str) -> bool:
        """The one button of the sandbox; False while it has not heard of the order."""
        try:
            await self.ask(None, "POST", path)
        except urllib.error.HTTPError as refused:
            with refused:
                assert refused.code == 404, refused.read()
            return False
        return True

    def _asked(self, token: str | None, method: str, path: str, body: object) -> Any:
        headers = {"Content-Type": "application/json", "Idempotency-Key": new_id("key", SystemClock().now())}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._http + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            said = answer.read()
            return json.loads(said) if answer.headers.get_content_type() == "application/json" else said.decode()


def token_of(city: City, driver: str) -> str:
    command = berth("token", "--driver", driver, "--data-dir", str(city.data_dir))
    return subprocess.run(command, capture_output=True, check=True, text=True, timeout=60).stdout.strip()
