"""What deploy/mosquitto promises, tried on a real Mosquitto: who gets in, by which name and password."""

import getpass

import psutil
import pytest

from app.processes import LOOPBACK
from gateway.address import BrokerAddress, ProtocolVersion, Session
from gateway.connection import BrokerAway
from gateway.service import try_broker
from tests.conftest import Eventually
from tests.integration.brokers.conftest import Connect, Sent, connected, refuses, topics
from tests.integration.brokers.secured import SecuredMosquitto


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_nobody_without_the_right_name_and_password(secured: SecuredMosquitto, protocol: ProtocolVersion) -> None:
    session = Session("intruder", ("#",), protocol, ca_file=secured.ca_file)
    wrong = [
        f"mqtts://{LOOPBACK}:{secured.port}",
        secured.url("op-a", password="guessed"),
        secured.url("nobody", password="guessed"),
        secured.url("op-a.next", password="guessed"),
    ]
    for url in wrong:
        with pytest.raises(BrokerAway, match=r"(?i)refused|not authori[sz]ed"):
            await connected(session, url)


async def test_nothing_listens_without_tls_and_certificates_are_verified(
    secured: SecuredMosquitto, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert secured.process is not None
    listening = psutil.Process(secured.process.pid).net_connections(kind="inet")
    assert {found.laddr.port for found in listening if found.status == psutil.CONN_LISTEN} == {secured.port}
    session = Session("plain", ("#",), ca_file=secured.ca_file)
    with pytest.raises(BrokerAway):
        await connected(session, secured.url("op-a").replace("mqtts://", "mqtt://"))

    stranger = SecuredMosquitto(tmp_path_factory.mktemp("stranger"), user=getpass.getuser(), names=("broker.example",))
    with pytest.raises(BrokerAway, match=r"(?i)certificate verify failed"):
        await connected(Session("wrong-ca", ("#",), ca_file=stranger.ca_file), secured.url("op-a"))
    with pytest.raises(BrokerAway, match=r"(?i)certificate verify failed"):
        await connected(Session("no-ca", ("#",)), secured.url("op-a"))
    stranger.add_user("op-a")
    stranger.start()
    try:
        with pytest.raises(BrokerAway, match=r"(?i)IP address mismatch|not valid for"):
            await connected(Session("wrong-name", ("#",), ca_file=stranger.ca_file), stranger.url("op-a"))
    finally:
        stranger.stop()
    connection = await connected(Session("right", ("#",), ca_file=secured.ca_file), secured.url("op-a"))
    await connection.close()


async def test_the_doctor_tells_a_wrong_password_from_a_wrong_certificate(secured: SecuredMosquitto) -> None:
    await try_broker(secured.url("berth-gateway"), client_id="doctor", ca_file=secured.ca_file)
    with pytest.raises(ConnectionError, match=r"(?i)not authori[sz]ed|bad user"):
        await try_broker(secured.url("op-a", password="old"), client_id="doctor", ca_file=secured.ca_file)
    with pytest.raises(ConnectionError, match=r"(?i)certificate verify failed"):
        await try_broker(secured.url("berth-gateway"), client_id="doctor")


async def test_passwords_change_without_a_gap(
    secured: SecuredMosquitto, connect: Connect, sent: Sent, eventually: Eventually
) -> None:
    gateway = await connect("berth-gateway", "parking/v1/+/+/+")
    old = secured.url("op-a")
    secured.add_user("op-a", "--next")
    secured.reload()
    moved = await connect("op-a.next")
    still = await connect("op-a")
    await sent(moved, "parking/v1/op-a/mall/spaces", "parking/v1/op-b/mall/spaces")
    await sent(still, "parking/v1/op-a/mall/counts")
    await eventually(lambda: topics(gateway) == ["parking/v1/op-a/mall/spaces", "parking/v1/op-a/mall/counts"])
    assert moved.link.refused_publishes == 1

    secured.add_user("op-a")
    secured.reload()
    session = Session("late", (), ca_file=secured.ca_file)
    await eventually(lambda: refuses(session, old))
    await (await connected(session, secured.url("op-a"))).close()
    secured.remove_user("op-a.next")
    secured.reload()
    await eventually(lambda: refuses(session, secured.url("op-a.next")))
    assert "op-a.next" not in (secured.folder / "acl").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["a/b", "+", "#", "public", "signs", "a b", "", "x" * 65, "op.next.next", "-d"])
def test_a_name_that_would_reach_further_is_refused(secured: SecuredMosquitto, name: str) -> None:
    before = (secured.folder / "passwords").read_text(encoding="utf-8")
    with pytest.raises(AssertionError, match=r"add-user\.sh"):
        secured.add_user(name)
    assert (secured.folder / "passwords").read_text(encoding="utf-8") == before


def test_only_a_hash_of_the_newest_password_is_kept(secured: SecuredMosquitto) -> None:
    secured.add_user("op-a")
    lines = (secured.folder / "passwords").read_text(encoding="utf-8").splitlines()
    (line,) = [line for line in lines if line.startswith("op-a:")]
    assert line.startswith("op-a:$7$101$")
    password = BrokerAddress.of(secured.url("op-a")).password
    assert password is not None
    assert len(password) == 32
    assert password not in line
    assert sorted(path.name for path in secured.folder.iterdir() if "asswords" in path.name) == ["passwords"]
