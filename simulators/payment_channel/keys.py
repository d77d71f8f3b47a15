"""Keys of a merchant and of a channel: RSA-SHA256, AES-256-GCM, the certificate that carries the channel's key."""

import base64
import functools
import secrets
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.x509.oid import NameOID

NONCE_BYTES: Final = 12
_VALID_DAYS: Final = 5 * 365


def new_key() -> RSAPrivateKey:
    """RSA 2048, as both channels want."""
    return generate_private_key(public_exponent=65_537, key_size=2_048)


def private_pem(key: RSAPrivateKey) -> str:
    """PKCS #8, not encrypted."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def public_pem(key: RSAPublicKey) -> str:
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


@functools.lru_cache(maxsize=8)
def read_private(pem: str) -> RSAPrivateKey:
    """Kept: reading one checks it, which takes as long as a hundred signatures. Raises ValueError."""
    key = serialization.load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, RSAPrivateKey):
        raise TypeError("not an RSA key")
    return key


def read_public(pem: str) -> RSAPublicKey:
    """Raises ValueError."""
    key = serialization.load_pem_public_key(pem.encode())
    if not isinstance(key, RSAPublicKey):
        raise TypeError("not an RSA key")
    return key


def sign(key: RSAPrivateKey, message: bytes) -> str:
    """Base64 of the RSA-SHA256 signature."""
    return base64.b64encode(key.sign(message, PKCS1v15(), hashes.SHA256())).decode()


def verifies(key: RSAPublicKey, message: bytes, signature: str) -> bool:
    """Whether `signature` (base64) is the key's over `message`."""
    try:
        key.verify(base64.b64decode(signature, validate=True), message, PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True


def seal(key: bytes, plain: bytes, associated: bytes) -> tuple[str, str]:
    """(nonce, base64 of what AES-256-GCM makes of `plain`); the nonce is printable, as it goes into JSON."""
    nonce = secrets.token_hex(NONCE_BYTES // 2)
    return nonce, base64.b64encode(AESGCM(key).encrypt(nonce.encode(), plain, associated)).decode()


def certificate(key: RSAPrivateKey, name: str, now: datetime) -> x509.Certificate:
    """Self-signed, for as long as anybody plays."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=_VALID_DAYS))
        .sign(key, hashes.SHA256())
    )


def serial_of(certificate: x509.Certificate) -> str:
    """Upper-case hexadecimal, as the channel writes it."""
    return f"{certificate.serial_number:X}"


def pem_of(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
