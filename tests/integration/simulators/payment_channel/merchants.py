"""Merchants of both channels, written from the channels' published rules and from nothing else of this project."""

import base64
import functools
import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import aiohttp
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.x509 import load_pem_x509_certificate
from yarl import URL

from kernel.clock import Clock
from simulators.payment_channel.parties import Parties

BEIJING = timezone(timedelta(hours=8))


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@functools.lru_cache
def _key(pem: str) -> Any:
    return serialization.load_pem_private_key(pem.encode(), None)


def _signature(pem: str, message: bytes) -> str:
    key = _key(pem)
    return base64.b64encode(key.sign(message, padding.PKCS1v15(), hashes.SHA256())).decode()


def _fits(key: Any, message: bytes, signature: str) -> bool:
    try:
        key.verify(base64.b64decode(signature), message, padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True


class WeChatMerchant:
    """Signs `METHOD\\nPATH\\nTIMESTAMP\\nNONCE\\nBODY\\n`, checks answers, opens notices."""

    def __init__(self, parties: Parties, base: str, clock: Clock, session: aiohttp.ClientSession) -> None:
        self.parties = parties.wechat
        self._base, self._clock, self._session = base, clock, session
        certificate = load_pem_x509_certificate(self.parties.platform_certificate.encode())
        self._platform: Any = certificate.public_key()

    async def get(self, path: str, **asked: str) -> Answer:
        target = path + (f"?{urlencode(asked, quote_via=quote)}" if asked else "")
        return await self.send("GET", target, b"")

    async def post(self, path: str, body: Any) -> Answer:
        return await self.send("POST", path, json.dumps(body, ensure_ascii=False).encode())

    async def send(
        self, method: str, target: str, body: bytes, *, signed_target: str | None = None, off_s: float = 0.0
    ) -> Answer:
        nonce, at = secrets.token_hex(16), int(self._clock.now().timestamp() + off_s)
        message = f"{method}\n{signed_target or target}\n{at}\n{nonce}\n".encode() + body + b"\n"
        ours = self.parties
        said = (
            f'mchid="{ours.mchid}",nonce_str="{nonce}",signature="{_signature(ours.merchant_key, message)}",'
            f'timestamp="{at}",serial_no="{ours.merchant_serial}"'
        )
        headers = {
            "Authorization": f"WECHATPAY2-SHA256-RSA2048 {said}",
            "Accept": "application/json",
            "Content-Type": "application/json",
            "User-Agent": "test",
        }
        url = URL(self._base + target, encoded=True)
        async with self._session.request(method, url, data=body or None, headers=headers) as answer:
            return Answer(answer.status, dict(answer.headers), await answer.read())

    def believes(self, headers: dict[str, str], body: bytes) -> bool:
        """Whether an answer or a notice is the channel's and of our time."""
        timestamp = headers["Wechatpay-Timestamp"]
        message = f"{timestamp}\n{headers['Wechatpay-Nonce']}\n".encode() + body + b"\n"
        is_now = abs(self._clock.now().timestamp() - int(timestamp)) <= 300
        return is_now and _fits(self._platform, message, headers["Wechatpay-Signature"])

    def opened(self, sealed: dict[str, str]) -> bytes:
        """The plain text of a notice's resource, or of a certificate."""
        cipher = AESGCM(self.parties.api_v3_key.encode())
        associated = sealed["associated_data"].encode()
        return cipher.decrypt(sealed["nonce"].encode(), base64.b64decode(sealed["ciphertext"]), associated)


class AlipayMerchant:
    """Signs sorted parameters with RSA2, checks the text of an answer's one member."""

    def __init__(self, parties: Parties, base: str, clock: Clock, session: aiohttp.ClientSession) -> None:
        self.parties = parties.alipay
        self._base, self._clock, self._session = base, clock, session
        self.off_s = 0.0
        self._alipay: Any = serialization.load_pem_public_key(self.parties.alipay_public_key.encode())

    async def ask(self, method: str, content: Any, *, notify_url: str = "", **changed: str) -> dict[str, Any]:
        """The answer; `changed` parameters are changed after signing."""
        parameters = {
            "app_id": self.parties.app_id,
            "method": method,
            "format": "JSON",
            "charset": "utf-8",
            "sign_type": "RSA2",
            "timestamp": self.moment(self._clock.now() + timedelta(seconds=self.off_s)),
            "version": "1.0",
            "biz_content": json.dumps(content, ensure_ascii=False),
        } | ({"notify_url": notify_url} if notify_url else {})
        text = "&".join(f"{name}={value}" for name, value in sorted(parameters.items()))
        parameters |= {"sign": _signature(self.parties.app_key, text.encode())} | changed
        async with self._session.post(f"{self._base}/gateway.do", data=parameters) as answer:
            assert answer.status == 200, answer.status
            body = await answer.text()
        said: dict[str, Any] = json.loads(body)
        (name,) = (each for each in said if each.endswith("_response"))
        inner = body[body.index(":") + 1 : body.rindex(',"sign":')]
        assert _fits(self._alipay, inner.encode(), said["sign"])
        assert name in ("error_response", f"{method.replace('.', '_')}_response")
        answered: dict[str, Any] = said[name]
        return answered

    def believed(self, body: bytes) -> dict[str, str] | None:
        """What a notice says, if it is Alipay's."""
        said = dict(parse_qsl(body.decode()))
        text = "&".join(f"{name}={value}" for name, value in sorted(said.items()) if name not in ("sign", "sign_type"))
        return said if _fits(self._alipay, text.encode(), said["sign"]) else None

    @staticmethod
    def moment(at: datetime) -> str:
        return at.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S")
