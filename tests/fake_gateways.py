"""The world outside that takes messages, at the wire: a push service (RFC 8030) and an SMS gateway in one server."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pytest_aiohttp.plugin import AiohttpServer


@dataclass
class Arrived:
    """A request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass
class Gateway:
    """Answers everything with `status`, and keeps what came."""

    status: int = 201
    arrived: list[Arrived] = field(default_factory=list)
    url: str = ""

    async def take(self, request: web.Request) -> web.Response:
        """Whatever it is."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.arrived.append(Arrived(request.method, request.path, dict(request.query), headers, await request.read()))
        return web.Response(status=self.status, headers={"Location": "/elsewhere"} if self.status == 302 else {})


async def gateway(aiohttp_server: AiohttpServer) -> Gateway:
    """One that listens."""
    taken = Gateway()
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", taken.take)
    server = await aiohttp_server(app)
    taken.url = f"http://127.0.0.1:{server.port}"
    return taken


@dataclass
class Browser:
    """The end that can read a push: its own keys (RFC 8291 §3.1)."""

    private: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    auth: bytes = b"sixteen bytes of"

    @property
    def public(self) -> bytes:
        """Its public key, as a subscription tells it."""
        return self.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    def read(self, body: bytes) -> Any:
        """What a push says, told from the specification and not from our own code."""
        salt, sender = body[:16], body[21 : 21 + body[20]]
        shared = self.private.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender))
        secret = _hkdf(self.auth, shared, b"WebPush: info\0" + self.public + sender, 32)
        key = _hkdf(salt, secret, b"Content-Encoding: aes128gcm\0", 16)
        nonce = _hkdf(salt, secret, b"Content-Encoding: nonce\0", 12)
        plain = AESGCM(key).decrypt(nonce, body[21 + body[20] :], None)
        return json.loads(plain.rstrip(b"\0")[:-1])


def _hkdf(salt: bytes, secret: bytes, info: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length=length, salt=salt, info=info).derive(secret)


def from_base64(text: str) -> bytes:
    """URL-safe, without padding."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def to_base64(value: bytes) -> str:
    """The same, the other way."""
    return urlsafe_b64encode(value).rstrip(b"=").decode()
