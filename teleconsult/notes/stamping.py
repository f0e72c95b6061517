"""Adding evidence to a signed PDF: each call one revision, the earlier bytes as they are (ISO 32000-2 §12.8.4-5)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, Final

from asn1crypto import cms, crl, ocsp, x509
from pyhanko.sign.signers import PdfTimeStamper
from pyhanko.sign.timestamps import TimeStamper
from pyhanko.sign.validation.dss import DocumentSecurityStore

from teleconsult.notes.places import QuietWriter, add_place

DIGEST: Final = "sha256"
RESERVED: Final = 2 * 6144
"""Hexadecimal digits kept for a token: one with a certificate of RSA-4096 takes two thirds of it."""

Stamp = Callable[[bytes], bytes]
"""SHA-256 in, time-stamp token out (DER, in the one accepted spelling)."""


@dataclass(frozen=True, slots=True)
class ValidationMaterial:
    """What a check will need of certificates that nobody answers for any more."""

    certificates: tuple[x509.Certificate, ...] = ()
    ocsps: tuple[ocsp.OCSPResponse, ...] = ()
    crls: tuple[crl.CertificateList, ...] = field(default=())


def add_time_stamp(pdf: bytes, stamp: Stamp, material: ValidationMaterial | None = None) -> bytes:
    """The PDF with one more revision: `material` where there is any, and a time-stamp over everything.

    Raises what `stamp` raises. About 50 ms of CPU besides; starts an event loop of its own.
    """
    writer = QuietWriter(BytesIO(pdf))
    place = add_place(writer, "TimeStamp")
    if material is not None:
        DocumentSecurityStore.supply_dss_in_writer(
            writer, None, certs=material.certificates, ocsps=material.ocsps, crls=material.crls
        )
    output = BytesIO()
    stamping = PdfTimeStamper(_Stamper(stamp), field_name=place)
    stamping.timestamp_pdf(writer, DIGEST, bytes_reserved=RESERVED, output=output)
    return output.getvalue()


class _Stamper(TimeStamper):  # type: ignore[misc]  # pyHanko is not followed by the type checker
    """Hands the digest on."""

    def __init__(self, stamp: Stamp) -> None:
        super().__init__()
        self._stamp = stamp

    async def async_timestamp(self, message_digest: bytes, md_algorithm: str) -> Any:
        assert md_algorithm == DIGEST  # what was asked for
        return cms.ContentInfo.load(self._stamp(message_digest))
