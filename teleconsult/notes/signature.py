"""Signing a rendered note: PAdES baseline B-B (ETSI EN 319 142-1) into the field the rendering left for it."""

from io import BytesIO

from asn1crypto import keys, pem, x509
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner, Signer, SimpleSigner
from pyhanko.stamp import NoOpStampStyle
from pyhanko_certvalidator.registry import SimpleCertificateStore

from teleconsult.documents.archival import SIGNATURE_FIELD


class QuietWriter(IncrementalPdfFileWriter):  # type: ignore[misc]  # pyHanko is not followed by the type checker
    """Adds the signature and touches nothing else: a second Producer in the metadata would end the PDF/A."""

    def _update_meta(self) -> None:
        return


def soft_signer(chain: str, private_key: bytes) -> Signer:
    """A signer whose key is in memory: `chain` is PEM, the signer's certificate first; the key is PKCS#8 DER."""
    _, _, own = next(pem.unarmor(chain.encode(), multiple=True))
    return SimpleSigner(
        x509.Certificate.load(own), keys.PrivateKeyInfo.load(private_key), SimpleCertificateStore(), embed_roots=False
    )


def sign_pdf(pdf: bytes, signer: Signer) -> bytes:
    """The same PDF with the signature added. About 30 ms of CPU: call it outside the event loop.

    Only the signer's certificate goes with it: who checks the signature brings the authority's.
    """
    metadata = PdfSignatureMetadata(
        field_name=SIGNATURE_FIELD, md_algorithm="sha256", subfilter=SigSeedSubFilter.PADES, embed_validation_info=False
    )
    output = BytesIO()
    signing = PdfSigner(metadata, signer, stamp_style=NoOpStampStyle())
    signing.sign_pdf(QuietWriter(BytesIO(pdf)), output=output, existing_fields_only=True)
    return output.getvalue()
