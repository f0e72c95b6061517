"""Web Push: to a browser on any device, through its maker's push service, readable by that browser alone.

Generic Event Delivery Using HTTP Push (RFC 8030), encrypted (RFC 8291 over RFC 8188), in our name (RFC 8292). The one
library there is for it speaks HTTP by a second client and rests on a part without wheels; these are three key
derivations and one encryption of `cryptography`'s.
"""

import json
import os
from base64 import urlsafe_b64encode
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from teleconsult.clock import now
from teleconsult.messages.handing import hand_over, require_taken
from teleconsult.messages.message import Message, Unreachable
from teleconsult.messages.models import PushDevice
from teleconsult.sealing import derived_key
from teleconsult.settings import Settings, is_safe_address

GONE: Final = frozenset({403, 404, 410})
"""The subscription is another key's (RFC 8292 §4.2), or is no more (RFC 8030 §7.3)."""
PADDED: Final = 512
"""Bytes every message has at least: its length tells nothing."""
RECORD: Final = 4096
CURVE: Final = ec.SECP256R1()
_VOUCHED: Final = timedelta(hours=12)


async def send(settings: Settings, message: Message, *, to: PushDevice) -> None:
    """Hand the message to the device's push service.

    Raises Unreachable once the subscription is over or its service is none we speak to, Undelivered else.
    """
    if not is_push_service(settings, to.endpoint):
        raise Unreachable
    content = {"title": "Téléconsult", "body": message.subject, "url": message.link, "tag": message.tag}
    headers = {
        "Authorization": _vouched(settings, to.endpoint),
        "Content-Encoding": "aes128gcm",
        "TTL": str(message.seconds),
        "Topic": message.tag.replace("-", ""),
        "Urgency": "high" if message.is_urgent else "normal",
    }
    sealed = encrypt(json.dumps(content).encode(), public=to.p256dh, auth=to.auth)
    status = await hand_over(httpx.Request("POST", to.endpoint, content=sealed, headers=headers))
    if status in GONE:
        raise Unreachable
    require_taken(status)


def is_push_service(settings: Settings, endpoint: str) -> bool:
    """Whether an address a browser gave us is one of a push service: any other is nowhere for us to send to."""
    try:
        host, is_safe = httpx.URL(endpoint).host, is_safe_address(endpoint) and urlsplit(endpoint).port != 0
    except (httpx.InvalidURL, ValueError):
        return False
    return is_safe and any(host == service or host.endswith(f".{service}") for service in settings.push_services)


def encrypt(
    content: bytes,
    *,
    public: bytes,
    auth: bytes,
    private: ec.EllipticCurvePrivateKey | None = None,
    salt: bytes = b"",
    padded: int = PADDED,
) -> bytes:
    """The body of a push message (RFC 8291 §4): one record that only the holder of these keys opens.

    `private` and `salt` are drawn anew for each message. Raises ValueError for a public key that is none.
    """
    receiver = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, public)
    private, salt = private or ec.generate_private_key(CURVE), salt or os.urandom(16)
    own = _point(private)
    shared = private.exchange(ec.ECDH(), receiver)
    secret = _derived(shared, salt=auth, info=b"WebPush: info\0" + public + own, length=32)
    key = _derived(secret, salt=salt, info=b"Content-Encoding: aes128gcm\0", length=16)
    nonce = _derived(secret, salt=salt, info=b"Content-Encoding: nonce\0", length=12)
    record = AESGCM(key).encrypt(nonce, (content + b"\x02").ljust(padded, b"\0"), None)
    return salt + RECORD.to_bytes(4, "big") + bytes([len(own)]) + own + record


def server_key(settings: Settings) -> ec.EllipticCurvePrivateKey:
    """The key by which push services know us (RFC 8292 §2): as lasting, and as secret, as the secret key itself."""
    number = int.from_bytes(derived_key(settings.secret_key, "web push"), "big")
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    return ec.derive_private_key(number % (order - 1) + 1, CURVE)


def public_key(settings: Settings) -> str:
    """What a browser subscribes with (W3C Push API, `applicationServerKey`)."""
    return _base64(_point(server_key(settings)))


def _vouched(settings: Settings, endpoint: str) -> str:
    parts = urlsplit(endpoint)
    claims = {
        "aud": f"{parts.scheme}://{parts.netloc}",
        "exp": int((now() + _VOUCHED).timestamp()),
        "sub": f"mailto:{settings.mail_from}",
    }
    token = jwt.encode(claims, server_key(settings), algorithm="ES256")
    return f"vapid t={token}, k={public_key(settings)}"


def _derived(secret: bytes, *, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length=length, salt=salt, info=info).derive(secret)


def _point(private: ec.EllipticCurvePrivateKey) -> bytes:
    return private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _base64(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()
