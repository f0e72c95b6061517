"""Adding evidence to a signed PDF: each call one revision, the earlier bytes as they are (ISO 32000-2 §12.8.4-5)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, Final

from asn1crypto import cms, crl, ocsp, x509
from pyhanko.pdf_utils import generic
from pyhanko.sign.signers import PdfTimeStamper
from pyhanko.sign.timestamps import TimeStamper
from pyhanko.sign.validation.dss import DocumentSecurityStore

from teleconsult.documents.archival import SIGNATURE_FIELD
from teleconsult.notes.signature import QuietWriter

DIGEST: Final = "sha256"
PRINTED_AND_LOCKED: Final = 4 + 128
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
    place = _add_place(writer)
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


def _add_place(writer: QuietWriter) -> str:
    """A place for one more time-stamp: nothing of it is seen, and as PDF/A-1 wants (ISO 19005-1 §6.9) it has an
    appearance: that of the signature's own place, in which nothing is drawn.

    What would be seen is refused by every check of the file: nobody paints over a signed note.
    """
    fields, first = writer.root["/AcroForm"]["/Fields"], None
    for each in fields:
        if each.get_object().get("/T") == SIGNATURE_FIELD:
            first = each.get_object()
    assert first is not None  # without it nothing was signed
    name, page = f"TimeStamp-{len(fields)}", first.raw_get("/P")
    place = generic.DictionaryObject(
        {
            generic.pdf_name("/Type"): generic.pdf_name("/Annot"),
            generic.pdf_name("/Subtype"): generic.pdf_name("/Widget"),
            generic.pdf_name("/FT"): generic.pdf_name("/Sig"),
            generic.pdf_name("/T"): generic.pdf_string(name),
            generic.pdf_name("/F"): generic.NumberObject(PRINTED_AND_LOCKED),
            generic.pdf_name("/Rect"): generic.ArrayObject([generic.NumberObject(0)] * 4),
            generic.pdf_name("/P"): page,
            generic.pdf_name("/AP"): generic.DictionaryObject({generic.pdf_name("/N"): first["/AP"].raw_get("/N")}),
        }
    )
    reference = writer.add_object(place)
    for places in (fields, page.get_object()["/Annots"]):
        places.append(reference)
        writer.update_container(places)
    return name
