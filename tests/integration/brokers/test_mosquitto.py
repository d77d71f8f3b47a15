"""What deploy/mosquitto promises, tried on a real Mosquitto: who may say what, and who may hear what."""

from functools import partial

from tests.conftest import Eventually
from tests.integration.brokers.conftest import Connect, Sent, topics
from tests.integration.gateway.conftest import Client

UP = ("spaces", "counts", "passages", "status", "acks")


async def test_an_operator_speaks_for_itself_only_and_mqtt_5_says_so(
    connect: Connect, sent: Sent, eventually: Eventually
) -> None:
    gateway = await connect("berth-gateway", "parking/v1/+/+/+", "parking/v1/public/#")
    spoofer = await connect("op-a", protocol="5")
    await sent(spoofer, *(f"parking/v1/op-b/mall/{kind}" for kind in UP))
    assert spoofer.link.refused_publishes == len(UP)
    await sent(
        spoofer,
        "parking/v1/op-a/mall/orders",
        "parking/v1/op-a/mall/errors",
        "parking/v1/public/mall",
        "parking/v1/signs/sign-1",
        "v3/app@tenant/devices/d/up",
        "application/1/device/d/event/up",
        "device/a1b2-c3d4/message/up/ivs_result",
        "$SYS/broker/uptime",
    )
    assert spoofer.link.refused_publishes == len(UP) + 8
    mine = [f"parking/v1/op-a/mall/{kind}" for kind in UP]
    await sent(spoofer, *mine)
    await eventually(lambda: topics(gateway) == mine)
    assert spoofer.link.refused_publishes == len(UP) + 8


async def test_those_who_only_look_say_nothing(connect: Connect, sent: Sent, eventually: Eventually) -> None:
    gateway = await connect("berth-gateway", "parking/v1/#")
    said = ["parking/v1/public/mall", "parking/v1/signs/sign-1", "parking/v1/op-a/mall/spaces"]
    for name in ("guest", "berth-api"):
        looking = await connect(name, "parking/v1/public/#")
        await sent(looking, *said)
        assert looking.link.refused_publishes == len(said)
    await sent(gateway, "parking/v1/public/mall")
    await eventually(lambda: topics(gateway) == ["parking/v1/public/mall"])


async def test_mqtt_3_1_1_is_told_nothing_and_heard_by_nobody(
    connect: Connect, sent: Sent, eventually: Eventually
) -> None:
    gateway = await connect("berth-gateway", "parking/v1/#")
    spoofer = await connect("op-a", protocol="3.1.1")
    await sent(spoofer, "parking/v1/op-b/mall/spaces", "parking/v1/public/mall", "parking/v1/op-a/mall/spaces")
    assert spoofer.link.refused_publishes == 0
    await eventually(lambda: topics(gateway) == ["parking/v1/op-a/mall/spaces"])


async def test_orders_and_errors_reach_their_operator_only(
    connect: Connect, sent: Sent, eventually: Eventually
) -> None:
    gateway = await connect("berth-gateway")
    listeners = [
        await connect(user, "parking/v1/#", "parking/v1/op-b/+/orders", "parking/v1/+/+/errors", protocol=protocol)
        for user in ("op-a", "guest", "network-server", "a1b2-c3d4")
        for protocol in ("5", "3.1.1")
    ]
    owner = await connect("op-b", "parking/v1/op-b/+/orders", "parking/v1/op-b/+/errors")
    down = ["parking/v1/op-b/mall/orders", "parking/v1/op-b/mall/errors"]
    await sent(gateway, *down, "parking/v1/public/mall")
    await eventually(lambda: topics(owner) == down)
    for listener in listeners:
        await eventually(partial(public_heard, listener))
        assert not set(topics(listener)) & set(down)


async def test_network_servers_and_cameras_have_topics_of_their_own(
    connect: Connect, sent: Sent, eventually: Eventually
) -> None:
    gateway = await connect("berth-gateway", "#")
    network = await connect("network-server")
    camera = await connect("a1b2-c3d4")
    good = ["v3/app@tenant/devices/d1/up", "application/7/device/0011223344556677/event/up"]
    await sent(network, *good, "parking/v1/op-a/mall/spaces", "device/a1b2-c3d4/message/up/ivs_result")
    seen = ["device/a1b2-c3d4/message/up/ivs_result", "a1b2-c3d4/device/message/up/ivs_result"]
    await sent(camera, *seen, "device/other/message/up/ivs_result", "parking/v1/op-a/mall/passages", good[0])
    await eventually(lambda: topics(gateway) == good + seen)
    assert (network.link.refused_publishes, camera.link.refused_publishes) == (2, 3)


def public_heard(listener: Client) -> bool:
    return "parking/v1/public/mall" in topics(listener)
