"""Secrets kept in rows, sealed with a key derived from the settings' secret: a copied database opens none."""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NONCE_BYTES = 12


class SealBroken(Exception):
    """What was sealed cannot be opened: another secret key, another purpose, or changed bytes."""


def derived_key(secret_key: str, purpose: str) -> bytes:
    """32 bytes for one purpose (HKDF, RFC 5869): a key that leaks opens nothing else."""
    return HKDF(SHA256(), length=32, salt=None, info=purpose.encode()).derive(secret_key.encode())


class Sealer:
    """Seals and opens secrets of one purpose with AES-256-GCM (NIST SP 800-38D): a random nonce, then the rest."""

    def __init__(self, secret_key: str, purpose: str = "secrets at rest") -> None:
        self._cipher = AESGCM(derived_key(secret_key, purpose))

    def seal(self, secret: bytes) -> bytes:
        """Close it; no two sealings of the same secret look alike."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, secret, None)

    def open(self, sealed: bytes) -> bytes:
        """Open what `seal` closed. Raises SealBroken."""
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], None)
        except (InvalidTag, ValueError) as error:
            raise SealBroken("This secret was sealed with another secret key, or it was changed.") from error
