"""The key that signs checkpoints: in a file outside the database, readable by its owner alone.

JSON Web Signature (RFC 7515) with Ed25519 (RFC 8037); a key's id is its thumbprint (RFC 7638).
"""

import base64
import contextlib
import hashlib
import json
import os
from pathlib import Path
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

ALGORITHM: Final = "EdDSA"
TYPE: Final = "audit-checkpoint+jws"
PRIVATE: Final = "signing-key.pem"
SUFFIX: Final = ".pub.pem"
_JWS: Final = jwt.PyJWS(algorithms=[ALGORITHM])


class Forged(Exception):
    """What should be a checkpoint of ours is none."""


def thumbprint(key: Ed25519PublicKey) -> str:
    """The key's name: SHA-256 over its JWK's required members (RFC 7638 §3, RFC 8037 §2)."""
    raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    members = json.dumps({"crv": "Ed25519", "kty": "OKP", "x": _base64(raw)}, separators=(",", ":"))
    return _base64(hashlib.sha256(members.encode()).digest())


def own_key(folder: Path) -> Ed25519PrivateKey:
    """The folder's signing key; made at its first use, with the public half beside it under its thumbprint."""
    path = folder / PRIVATE
    with contextlib.suppress(FileExistsError):
        made = Ed25519PrivateKey.generate()
        pem = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
    key = load_pem_private_key(path.read_bytes(), password=None)
    assert isinstance(key, Ed25519PrivateKey)
    public = key.public_key()
    beside = folder / f"{thumbprint(public)}{SUFFIX}"
    if not beside.exists():
        beside.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return key


def known_keys(folder: Path) -> dict[str, Ed25519PublicKey]:
    """Every public key beside the checkpoints, by its thumbprint; what is no Ed25519 key counts for nothing."""
    keys = {}
    for path in folder.glob(f"*{SUFFIX}"):
        with contextlib.suppress(ValueError):
            key = load_pem_public_key(path.read_bytes())
            if isinstance(key, Ed25519PublicKey):
                keys[thumbprint(key)] = key
    return keys


def seal(payload: dict[str, Any], key: Ed25519PrivateKey) -> str:
    """The payload as one line (JWS compact serialization, RFC 7515 §3.1)."""
    text = json.dumps(payload, separators=(",", ":")).encode()
    headers = {"typ": TYPE, "kid": thumbprint(key.public_key())}
    return _JWS.encode(text, key, algorithm=ALGORITHM, headers=headers)


def unseal(line: str, keys: dict[str, Ed25519PublicKey]) -> dict[str, Any]:
    """The payload of a line that one of `keys` signed. Raises Forged for anything else."""
    try:
        header = jwt.get_unverified_header(line)
        if header.get("typ") != TYPE:
            raise Forged
        payload = json.loads(_JWS.decode(line, keys[header["kid"]], algorithms=[ALGORITHM]))
    except (jwt.InvalidTokenError, KeyError, ValueError) as error:
        raise Forged from error
    if not isinstance(payload, dict):
        raise Forged
    return payload


def _base64(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
