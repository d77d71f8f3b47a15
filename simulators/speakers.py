"""The connections through which car parks speak: one for all of them, or one each with a will of its own.

One connection cannot carry 608 wills: there a crash is seen by the silence, as the service must see it anyway.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final, Literal

from contracts.wire import up_topic
from simulators.car_park import CarPark, Message
from simulators.clock import Clock
from simulators.ledger import Ledger
from simulators.wire_client import Hear, MqttVersion, Will, WireClient

Connections = Literal["shared", "own"]
_IN_FLIGHT_MAX_OWN: Final = 16


class Speakers:
    """Publishes for car parks by id; knows which connections came back since it was last asked."""

    def __init__(
        self,
        mqtt_url: str,
        clock: Clock,
        car_parks: Mapping[str, tuple[str, CarPark]],
        *,
        name: str,
        connections: Connections,
        hear: Hear,
        ledger: Ledger | None,
        mqtt_version: MqttVersion = "3.1.1",
    ) -> None:
        """`car_parks`: operator and car park by id; `name` begins the client ids and must be nobody else's."""
        self._clients: dict[str, WireClient] = {}
        self._seen: dict[WireClient, int] = {}
        if connections == "own":
            for key, (operator, car_park) in car_parks.items():
                last = car_park.status(clock.now(), online=False)
                self._clients[key] = WireClient(
                    mqtt_url,
                    clock,
                    client_id=f"{name}-{key}",
                    filters=[up_topic(operator, key, kind) for kind in ("orders", "errors")],
                    hear=hear,
                    will=Will(last.topic, last.payload),
                    in_flight_max=_IN_FLIGHT_MAX_OWN,
                    ledger=ledger,
                    mqtt_version=mqtt_version,
                )
        else:
            operators = sorted({operator for operator, _ in car_parks.values()})
            filters = [up_topic(operator, "+", kind) for operator in operators for kind in ("orders", "errors")]
            shared = WireClient(
                mqtt_url, clock, client_id=name, filters=filters, hear=hear, ledger=ledger, mqtt_version=mqtt_version
            )
            self._clients = dict.fromkeys(car_parks, shared)

    async def open(self) -> None:
        """Connect everything, one after the other. Raises BrokerSilent."""
        for client in dict.fromkeys(self._clients.values()):
            await client.open()
            self._seen[client] = client.connections

    async def publish(self, car_park: str, message: Message) -> None:
        """Waits while too much of this connection is unacknowledged."""
        await self._clients[car_park].publish(message.topic, message.payload, retain=message.retain)

    def cut(self, car_park: str) -> None:
        """Pull the cable of this car park's connection."""
        self._clients[car_park].cut()

    def back_again(self) -> Sequence[str]:
        """The car parks whose connection was lost and is there again."""
        returned = {client for client, seen in self._seen.items() if client.connections != seen}
        for client in returned:
            self._seen[client] = client.connections
        return [key for key, client in self._clients.items() if client in returned] if returned else ()

    async def close(self) -> None:
        """Wait a little for what is unacknowledged, then disconnect."""
        await asyncio.gather(*(client.close() for client in dict.fromkeys(self._clients.values())))
