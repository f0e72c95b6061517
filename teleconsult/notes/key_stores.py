"""Where private keys are, behind one door: a SHA-256 goes in, a signature comes out.

The soft key is in the database, sealed for its owner (`notes.unlocking`). A token (PKCS#11) and a remote service
(CSC API) keep theirs to themselves: nothing of those passes through here but digests and signatures.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from teleconsult.errors import Refused, Unavailable
from teleconsult.notes.bundling import SignDigest, soft_key
from teleconsult.notes.models import KeyStore, SigningKey
from teleconsult.sealing import SealBroken, Sealer
from teleconsult.settings import Settings


@dataclass(frozen=True, slots=True)
class KeptKey:
    """A signer's key as its row has it: the chain is PEM, their certificate first."""

    chain: str
    store: KeyStore
    reference: str
    sealed: bytes = field(default=b"", repr=False)
    sealed_for: uuid.UUID | None = None
    id: uuid.UUID | None = None
    opener: Sealer | None = field(default=None, repr=False)
    """Of a soft key that its owner has just unlocked."""

    @classmethod
    def of(cls, key: SigningKey) -> "KeptKey":
        """Read while the session is open."""
        return cls(key.certificate, key.store, key.reference, key.private_key_sealed, key.sealed_for, key.id)

    def opened_by(self, opener: Sealer) -> "KeptKey":
        """The same, unlocked."""
        return replace(self, opener=opener)

    def sealed_as(self, sealed: bytes, sealed_for: uuid.UUID) -> "KeptKey":
        """The same, sealed anew."""
        return replace(self, sealed=sealed, sealed_for=sealed_for)


class KeyFault(Exception):
    """The token or the service gave no signature."""


@contextmanager
def opened_key(settings: Settings, key: KeptKey) -> Iterator[SignDigest]:
    """The key, for the signatures of one note; in a thread: tokens and services are waited for.

    For RSA PKCS#1 v1.5, for ECDSA the DER of RFC 3279 §2.2.3. Raises Refused for a soft key that cannot be opened,
    Unavailable where a token or a service gives no signature.
    """
    try:
        if key.store is KeyStore.SOFT:
            yield soft_key(_unsealed(key))
        elif key.store is KeyStore.TOKEN:
            from teleconsult.notes.token_keys import token_key

            with token_key(settings, key) as sign:
                yield sign
        else:
            from teleconsult.notes.remote_keys import remote_key

            with remote_key(settings, key) as sign:
                yield sign
    except SealBroken as error:
        raise Refused("Your signing key cannot be opened. Get a new one under “My account”, “Signing keys”.") from error
    except KeyFault as error:
        raise Unavailable("Your signing key does not answer now. Try again in a moment.") from error


def _unsealed(key: KeptKey) -> bytes:
    if key.opener is None:
        raise SealBroken("nobody unlocked it")
    return key.opener.open(key.sealed)
