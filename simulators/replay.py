"""`berth replay`: a recording told over MQTT as its car parks would have told it, through the ordinary gateway.

Rows keep their own time; a row's number is its `seq`, so a second replay is an exact repeat and two different rows of
one time both stay. The replay ends when the gateway's books show every row.
"""

import asyncio
import contextlib
import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
from msgspec import UNSET

from contracts.ids import CarParkId
from contracts.wire import RefusedMessage, up_topic
from simulators.clock import Clock
from simulators.create_missing import create_missing
from simulators.local_time import WallTime
from simulators.operator_api import Books, OperatorApi, Unavailable, patiently
from simulators.read_recording import read_recording
from simulators.recording import Recording, Series
from simulators.replay_summary import CarParkReplayed, RefusedRow, ReplayProgress, ReplaySummary
from simulators.row_messages import row_messages
from simulators.wire_client import BrokerSilent, MqttVersion, WireClient

OPERATOR: Final = "replay"
"""Who owns the car parks that a replay creates when nobody else is named."""
AHEAD_ROWS_MAX: Final = 200_000
"""Rows told and not yet committed: some 20 MB, which a broker without a disk still keeps for a slow gateway."""
STALL_S: Final = 60.0
"""Without any progress for this long the replay gives up and says what is missing."""
_POLL_S: Final = 0.4
_TICK_S: Final = 0.2
_SETTLED_S: Final = 2.0
"""Rows told again after a crash are in the books twice: then these say that all is in only when they stand still."""
_REFUSALS_LISTED_MAX: Final = 1_000
_ERRORS_WAITED_FOR_S: Final = 3.0  # `errors` are told after the commit that the books already show


class ReplayStalled(RuntimeError):
    """Not everything arrived; the message says which car parks miss how many rows."""


async def replay_file(
    path: Path,
    *,
    http_url: str,
    mqtt_url: str,
    token: str,
    clock: Clock,
    operator: str = OPERATOR,
    speed: float | None = None,
    time_zone: str | None = None,
    stall_s: float = STALL_S,
    mqtt_version: MqttVersion = "3.1.1",
    on_progress: Callable[[ReplayProgress], None] | None = None,
) -> ReplaySummary:
    """Tell the recording at `path`; `speed` is a factor on recorded time, None as fast as the gateway takes it.

    Car parks that are missing are created under `operator`. Raises UnknownRecording, NotAllowed, ReplayStalled,
    BrokerSilent.
    """
    started = clock.monotonic()
    recording = await asyncio.to_thread(read_recording, path, time_zone=time_zone)
    async with OperatorApi(http_url, token) as api:
        owners, created = await create_missing(api, recording, operator, clock)
        replay = _Replay(recording, api, owners, clock=clock, stall_s=stall_s, on_progress=on_progress)
        client = WireClient(
            mqtt_url,
            clock,
            client_id=f"replay-{hashlib.sha256(f'{path} {clock.now()}'.encode()).hexdigest()[:12]}",
            filters=[up_topic(owner, "+", "errors") for owner in sorted(set(owners.values()))],
            hear=replay.hear,
            mqtt_version=mqtt_version,
        )
        try:
            await client.open()
            await replay.run(client, speed)
        finally:
            await client.close()
        return replay.summary(created, clock.monotonic() - started)


class _Replay:
    """One replay under way."""

    def __init__(
        self,
        recording: Recording,
        api: OperatorApi,
        owners: Mapping[CarParkId, str],
        *,
        clock: Clock,
        stall_s: float,
        on_progress: Callable[[ReplayProgress], None] | None,
    ) -> None:
        self._recording = recording
        self._api = api
        self._clock = clock
        self._stall_s = stall_s
        self._on_progress = on_progress
        self._topics = {series.id: up_topic(owners[series.id], series.id, "counts") for series in recording.series}
        self._our_topics = frozenset(self._topics.values())
        self._before: dict[CarParkId, Books] = {}
        self._now: dict[CarParkId, Books] = {}
        self._sent: Counter[CarParkId] = Counter()
        self._all_sent = False
        self._room = asyncio.Event()
        self._reasons: Counter[str] = Counter()
        self._alone: dict[str, tuple[CarParkId, str]] = {}
        self._refused_rows: list[RefusedRow] = []

    async def run(self, client: WireClient, speed: float | None) -> None:
        """Tell everything and wait until the books show it."""
        for series in self._recording.series:
            self._before[series.id] = self._now[series.id] = await patiently(
                partial(self._api.books, series.id), self._clock
            )
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._tell(client, speed))
                tasks.create_task(self._watch(client))
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
        refused = sum(self._books(series.id).dead for series in self._recording.series)
        deadline = self._clock.monotonic() + _ERRORS_WAITED_FOR_S
        while self._reasons.total() < refused and self._clock.monotonic() < deadline:
            await self._clock.sleep(_POLL_S)

    def hear(self, _topic: str, payload: bytes) -> None:
        """Take note of a refusal; `sha256` names the row when it went in a message of its own."""
        try:
            told = msgspec.json.decode(payload, type=RefusedMessage)
        except msgspec.DecodeError:
            return
        if told.topic not in self._our_topics:
            return
        self._reasons[told.reason] += 1 if told.refused is UNSET else told.refused
        alone = self._alone.get(told.sha256)
        if alone is not None and len(self._refused_rows) < _REFUSALS_LISTED_MAX:
            self._refused_rows.append(RefusedRow(*alone, told.reason, told.detail))

    def summary(self, created: int, seconds: float) -> ReplaySummary:
        """What became of it all, by the gateway's books."""
        recording = self._recording
        told = ReplaySummary(
            file=str(recording.path),
            format=recording.format,
            time_zone=recording.time_zone,
            rows=recording.rows,
            created=created,
            repeats_in_file=sum(series.repeats for series in recording.series),
            ambiguous_times=recording.wall_times.get(WallTime.AMBIGUOUS, 0),
            nonexistent_times=recording.wall_times.get(WallTime.NONEXISTENT, 0),
            beyond_capacity=sum(series.beyond_capacity() for series in recording.series),
            unreadable=sum(len(series.unreadable) for series in recording.series),
            sent=self._sent.total(),
            warnings=list(recording.warnings),
            refused_reasons=dict(self._reasons),
            refused_rows=self._refused_rows,
            seconds=round(seconds, 3),
        )
        for series in recording.series:
            books = self._books(series.id)
            told.stored += books.stored
            told.duplicate += books.duplicate
            told.late += books.late
            told.refused += books.dead
            told.car_parks[series.id] = CarParkReplayed(
                series.name, self._sent[series.id], books.stored, books.duplicate, books.late, books.dead
            )
        return told

    async def _tell(self, client: WireClient, speed: float | None) -> None:
        started = self._clock.monotonic()
        first_us: int | None = None
        for message in row_messages(self._recording, span_us=None if speed is None else int(_TICK_S * speed * 1e6)):
            first_us = message.due_us if first_us is None else first_us
            if speed is not None:
                due_s = (message.due_us - first_us) / 1e6 / speed
                await self._clock.sleep(due_s - (self._clock.monotonic() - started))
            while self._sent.total() - self._committed() > AHEAD_ROWS_MAX:
                self._room.clear()
                await self._room.wait()
            series: Series = message.series
            if message.alone:
                self._alone[hashlib.sha256(message.payload).hexdigest()] = (series.id, message.payload.decode())
            await client.publish(self._topics[series.id], message.payload)
            self._sent[series.id] += message.rows
        await client.acknowledged()
        self._all_sent = True

    async def _watch(self, client: WireClient) -> None:
        """Read the books until they show everything; wake the teller when there is room again."""
        seen, moved_at = (-1, -1, -1), self._clock.monotonic()
        while True:
            due = [key for key, sent in self._sent.items() if self._books(key).received != sent]
            with contextlib.suppress(Unavailable):  # a database that recovers; the stall limit holds all the same
                for key, books in zip(due, await asyncio.gather(*map(self._api.books, due)), strict=True):
                    self._now[key] = books
            self._room.set()
            sent, committed = self._sent.total(), self._committed()
            if self._on_progress is not None:
                self._on_progress(ReplayProgress(self._recording.rows, sent, committed))
            told_again = sum(self._books(key).received for key in self._sent) - committed
            if (sent, committed, told_again) != seen:
                seen, moved_at = (sent, committed, told_again), self._clock.monotonic()
            settled = not told_again or self._clock.monotonic() - moved_at > _SETTLED_S
            if self._all_sent and committed >= sent and settled:
                return
            waited_for = sent > committed or client.unacknowledged
            if waited_for and self._clock.monotonic() - moved_at > self._stall_s:
                if not client.connected:
                    raise BrokerSilent(f"the broker at {client.where} lets nobody in; tried for {self._stall_s:g} s")
                raise ReplayStalled(self._missing())
            await self._clock.sleep(_POLL_S)

    def _missing(self) -> str:
        gaps = {key: sent - self._books(key).received for key, sent in self._sent.items()}
        named = ", ".join(f"{key} {gap} of {self._sent[key]}" for key, gap in gaps.items() if gap > 0)
        return f"nothing came in for {self._stall_s:.0f} s; rows told and not in the gateway's books: {named}"

    def _books(self, key: CarParkId) -> Books:
        return self._now[key].since(self._before[key])

    def _committed(self) -> int:
        return sum(min(self._books(key).received, sent) for key, sent in self._sent.items())
