"""Signing by a remote service: the digest goes out, the signature comes back (CSC API v1.0.4 §11.6, §11.9)."""

import base64
import binascii
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import httpx
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from teleconsult.notes.bundling import SignDigest
from teleconsult.notes.key_stores import KeptKey, KeyFault
from teleconsult.settings import Settings

SECONDS: Final = 15.0
ANSWER_LIMIT: Final = 64 * 1024
SHA256: Final = "2.16.840.1.101.3.4.2.1"
RSA_SHA256: Final = "1.2.840.113549.1.1.11"
ECDSA_SHA256: Final = "1.2.840.10045.4.3.2"


@contextmanager
def remote_key(settings: Settings, key: KeptKey) -> Iterator[SignDigest]:
    """The credential `key.reference` at the service of the settings. Raises KeyFault."""
    if not settings.remote_signing_url:
        raise KeyFault("no signature service is set")
    own = x509.load_pem_x509_certificate(key.chain.encode())
    algorithm = RSA_SHA256 if isinstance(own.public_key(), rsa.RSAPublicKey) else ECDSA_SHA256
    headers = {"Authorization": f"Bearer {settings.remote_signing_secret}"}
    with httpx.Client(
        base_url=settings.remote_signing_url, timeout=SECONDS, follow_redirects=False, headers=headers
    ) as client:

        def sign(digest: bytes) -> bytes:
            told = base64.b64encode(digest).decode()
            permitted = _ask(
                client, "credentials/authorize", {"credentialID": key.reference, "numSignatures": 1, "hash": [told]}
            )
            signed = _ask(
                client,
                "signatures/signHash",
                {
                    "credentialID": key.reference,
                    "SAD": permitted.get("SAD"),
                    "hash": [told],
                    "hashAlgo": SHA256,
                    "signAlgo": algorithm,
                },
            )
            try:
                (signature,) = signed["signatures"]
                return base64.b64decode(signature, validate=True)
            except (KeyError, TypeError, ValueError, binascii.Error) as error:
                raise KeyFault("the service answered something else") from error

        yield sign


def _ask(client: httpx.Client, verb: str, question: dict[str, Any]) -> dict[str, Any]:
    taken = bytearray()
    try:
        with client.stream("POST", verb, json=question) as answer:
            if answer.status_code != httpx.codes.OK:
                raise KeyFault(f"the service answered {answer.status_code}")
            for piece in answer.iter_bytes():
                taken += piece
                if len(taken) > ANSWER_LIMIT:
                    raise KeyFault("the service answered too much")
        told = httpx.Response(200, content=bytes(taken)).json()
    except (httpx.HTTPError, ValueError, OSError) as error:
        raise KeyFault(type(error).__name__) from error
    if not isinstance(told, dict):
        raise KeyFault("the service answered something else")
    return told
