"""The gateway as occupancy sees it, in the process that runs both."""

from collections.abc import Iterable, Sequence

from contracts.availability import Availability
from contracts.ids import CarParkId
from gateway.service import Gateway


class GatewayOutlet:
    """Each of the two needs the other, so this one comes first and is filled: `gateway` is set before anything runs."""

    gateway: Gateway

    def publish(self, availabilities: Sequence[Availability]) -> None:
        self.gateway.publish(availabilities)

    def withdraw(self, car_parks: Iterable[CarParkId]) -> None:
        self.gateway.withdraw(car_parks)

    def tell_refused(self, operator: str, topic: str, payload: bytes) -> None:
        """What another process refused of `operator`'s, on `errors`; where several gateways hear of it, by one."""
        if self.gateway.mine(operator):
            self.gateway.link.publish(topic, payload)

    @property
    def connection(self) -> int:
        return self.gateway.connection

    @property
    def fresh_sessions(self) -> int:
        return self.gateway.fresh_sessions

    @property
    def hears(self) -> bool:
        return self.gateway.ready and self.gateway.link.ready

    def mine(self, operator: str) -> bool:
        return self.gateway.mine(operator)
