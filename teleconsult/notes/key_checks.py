"""Looking at a key that a token or a service keeps, before anybody signs with it.

Its certificate is made out to the account's own registration number, an authority that is trusted here vouches for it,
and whoever registers the key shows that it signs.
"""

import asyncio
import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from teleconsult.clock import now
from teleconsult.errors import Invalid, Refused, Unavailable
from teleconsult.notes.bundling import algorithm_for
from teleconsult.notes.key_stores import KeptKey, opened_key
from teleconsult.notes.keys import names_signer
from teleconsult.notes.models import KeyStore
from teleconsult.settings import Settings

LONGEST_PEM: Final = 20_000
LONGEST_REFERENCE: Final = 200
MOST_CERTIFICATES: Final = 8


@dataclass(frozen=True, slots=True)
class CheckedKey:
    """A key elsewhere that was found good: its certificate is the signer's, and it signs."""

    key: KeptKey
    not_after: datetime


async def check_key(
    settings: Settings, *, store: KeyStore, reference: str, certificate: str, registration_number: str
) -> CheckedKey:
    """Look at a key before it is registered: `certificate` is PEM, the signer's own first. No transaction is open.

    Raises Invalid on `reference` and `certificate`, Unavailable where the token or the service does not answer.
    """
    reference = reference.strip()
    if not 0 < len(reference) <= LONGEST_REFERENCE:
        raise Invalid({"reference": "Write the name the key has there."})
    chain, own = _read(certificate)
    if not names_signer(chain, registration_number):
        raise Invalid({"certificate": "This certificate is not made out to your registration number."})
    if not own.not_valid_before_utc <= now() <= own.not_valid_after_utc:
        raise Invalid({"certificate": "This certificate is out of date."})
    key = KeptKey(chain, store, reference)
    await asyncio.to_thread(_refuse_strange, settings, chain)
    if not await asyncio.to_thread(_signs, settings, key, own):
        raise Invalid({"reference": "The key with this name is not the one of this certificate."})
    return CheckedKey(key, own.not_valid_after_utc)


def _read(pem: str) -> tuple[str, x509.Certificate]:
    """The chain written again, the signer's own first, and that one."""
    try:
        found: Sequence[x509.Certificate] = x509.load_pem_x509_certificates(pem[:LONGEST_PEM].encode())
        algorithm_for(found[0])
        _ = found[0].subject  # read only when it is asked for
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Invalid(
            {"certificate": "This is no certificate that notes can be signed with: paste it as PEM (P-256 or RSA)."}
        ) from error
    chain = b"".join(each.public_bytes(serialization.Encoding.PEM) for each in found[:MOST_CERTIFICATES])
    return chain.decode(), found[0]


def _refuse_strange(settings: Settings, chain: str) -> None:
    """Raise Invalid unless a root of ours vouches for it, for binding signatures. In a thread, as loading is slow."""
    from pyhanko_certvalidator import CertificateValidator, ValidationContext
    from pyhanko_certvalidator.errors import PathError, ValidationError

    from teleconsult.notes.revocation import certificates_in
    from teleconsult.notes.verifying import trusted_roots

    own, *others = certificates_in(chain)
    context = ValidationContext(
        trust_roots=trusted_roots(settings.trust_folder), other_certs=others, allow_fetching=False, moment=now()
    )
    try:
        asyncio.run(CertificateValidator(own, validation_context=context).async_validate_usage({"non_repudiation"}))
    except (PathError, ValidationError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Invalid(
            {"certificate": "No authority that is trusted here vouches for this certificate, or it is not for signing."}
        ) from error


def _signs(settings: Settings, key: KeptKey, own: x509.Certificate) -> bool:
    """Whether what the key signs fits the certificate: nobody registers another's."""
    digest = hashlib.sha256(b"possession " + secrets.token_bytes(32)).digest()
    public = own.public_key()
    try:
        with opened_key(settings, key) as sign:
            signature = sign(digest)
        if isinstance(public, ec.EllipticCurvePublicKey):
            public.verify(signature, digest, ec.ECDSA(Prehashed(hashes.SHA256())))
        else:
            assert isinstance(public, rsa.RSAPublicKey)  # `algorithm_for` knows no other
            public.verify(signature, digest, padding.PKCS1v15(), Prehashed(hashes.SHA256()))
    except InvalidSignature:
        return False
    except Unavailable as error:
        raise Refused(
            "The token or the signature service gave no signature with this name. Look at the name, then try again."
        ) from error
    return True
