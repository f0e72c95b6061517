"""Signing a rendered note: PAdES baseline B-B (ETSI EN 319 142-1) into the field the rendering left for it."""

import hashlib
from io import BytesIO
from typing import Final

from asn1crypto import algos, keys, pem, x509
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner, Signer, SimpleSigner
from pyhanko.stamp import NoOpStampStyle
from pyhanko_certvalidator.registry import SimpleCertificateStore

from teleconsult.documents.archival import SIGNATURE_FIELD
from teleconsult.notes.bundling import SignDigest
from teleconsult.notes.places import QuietWriter, add_place

ECDSA_LENGTH: Final = 72
"""Bytes of the longest signature with P-256."""
AROUND: Final = 2048
"""Bytes of a container besides certificate and signature, and more: else pyHanko signs twice, to see how much."""


class KeySigner(Signer):  # type: ignore[misc]  # pyHanko is not followed by the type checker
    """Signs through a key that is somewhere else: the digest goes out, the signature comes back."""

    def __init__(self, chain: str, sign: SignDigest) -> None:
        _, _, own = next(pem.unarmor(chain.encode(), multiple=True))
        certificate = x509.Certificate.load(own)
        is_rsa = certificate.public_key.algorithm == "rsa"
        super().__init__(
            signing_cert=certificate,
            cert_registry=SimpleCertificateStore(),
            signature_mechanism=algos.SignedDigestAlgorithm({"algorithm": "sha256_rsa" if is_rsa else "sha256_ecdsa"}),
            embed_roots=False,
        )
        self._sign, self._length = sign, certificate.public_key.byte_size if is_rsa else ECDSA_LENGTH
        self.longest = len(certificate.dump()) + self._length + AROUND
        """Bytes of a container."""

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
        """What pyHanko asks for; a dry run only for its length."""
        assert digest_algorithm == "sha256"  # what `sign_pdf` asks for
        return bytes(self._length) if dry_run else self._sign(hashlib.sha256(data).digest())


def soft_signer(chain: str, private_key: bytes) -> Signer:
    """A signer whose key is in memory: `chain` is PEM, the signer's certificate first; the key is PKCS#8 DER."""
    _, _, own = next(pem.unarmor(chain.encode(), multiple=True))
    return SimpleSigner(
        x509.Certificate.load(own), keys.PrivateKeyInfo.load(private_key), SimpleCertificateStore(), embed_roots=False
    )


def sign_pdf(pdf: bytes, signer: Signer) -> bytes:
    """The same PDF with the signature added. About 20 ms of CPU: call it outside the event loop.

    Only the signer's certificate goes with it: who checks the signature brings the authority's.
    """
    return _sign_in(QuietWriter(BytesIO(pdf)), SIGNATURE_FIELD, signer)


def co_sign_pdf(pdf: bytes, signer: Signer) -> bytes:
    """A signed PDF with one more revision, which holds the signature of somebody else over everything before."""
    writer = QuietWriter(BytesIO(pdf))
    return _sign_in(writer, add_place(writer, "CoSignature"), signer)


def _sign_in(writer: QuietWriter, place: str, signer: Signer) -> bytes:
    metadata = PdfSignatureMetadata(
        field_name=place, md_algorithm="sha256", subfilter=SigSeedSubFilter.PADES, embed_validation_info=False
    )
    output = BytesIO()
    signing = PdfSigner(metadata, signer, stamp_style=NoOpStampStyle())
    reserved = 2 * signer.longest if isinstance(signer, KeySigner) else None  # it is written in hexadecimal digits
    signing.sign_pdf(writer, output=output, existing_fields_only=True, bytes_reserved=reserved)
    return output.getvalue()
