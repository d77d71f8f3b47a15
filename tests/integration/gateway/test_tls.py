"""Through TLS: verified certificates, and no byte left waiting inside the TLS layer."""

import asyncio
import getpass
import ipaddress
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.processes import LOOPBACK, await_ready, free_port, listens, spawn, stop
from gateway.address import BrokerAddress, Session
from gateway.connection import BrokerAway, Connection
from gateway.link import Link
from gateway.received import Received
from kernel.clock import SystemClock
from tests.conftest import Eventually

_CONFIGURATION = """
listener {port} {host}
allow_anonymous true
user {user}
certfile {folder}/broker.pem
keyfile {folder}/broker.key
max_inflight_messages 0
log_type error
"""


@pytest.fixture
def tls_broker(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """A Mosquitto that speaks TLS only: its address, and the certificate to trust."""
    certificate = make_certificate(tmp_path)
    port = free_port()
    configuration = tmp_path / "mosquitto.conf"
    configuration.write_text(
        _CONFIGURATION.format(port=port, host=LOOPBACK, user=getpass.getuser(), folder=tmp_path), encoding="utf-8"
    )
    program = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    assert program is not None
    process = spawn([program, "-c", str(configuration)])
    assert await_ready(process, lambda: listens(port), patience_s=20.0)
    yield f"mqtts://{LOOPBACK}:{port}", str(certificate)
    stop(process)


def make_certificate(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "berth test broker")])
    now = SystemClock().now()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(LOOPBACK))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "broker.pem"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "broker.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return pem


async def test_large_and_small_messages_all_arrive_in_order(
    tls_broker: tuple[str, str], eventually: Eventually
) -> None:
    url, ca_file = tls_broker
    heard: list[bytes] = []

    def hear(message: Received) -> bool:
        heard.append(message.payload)
        return True

    session = Session("secure", ("t",), ca_file=ca_file)
    link = Link(BrokerAddress.of(url), session, SystemClock(), on_message=hear, acknowledge_at_once=True)
    running = asyncio.create_task(link.run())
    await eventually(lambda: link.ready)
    sent = [b"%d " % number + b"x" * (300_000 if number % 50 == 0 else 10) for number in range(300)]
    for payload in sent:
        link.publish("t", payload)
    await eventually(lambda: len(heard) == len(sent), within_s=20)
    assert heard == sent
    await link.stop()
    await running


async def test_an_unknown_certificate_is_not_trusted(tls_broker: tuple[str, str]) -> None:
    url, _ = tls_broker
    connection = Connection(Session("secure", ("t",)), on_message=lambda _fed: True, on_published=lambda *_: None)
    with pytest.raises(BrokerAway, match=r"(?i)certificate"):
        await connection.connect(BrokerAddress.of(url))
