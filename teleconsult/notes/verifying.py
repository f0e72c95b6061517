"""Is this file a note as it was signed? Works on bytes and trusted roots alone: no database, no network.

What is accepted is strict. One signature covers every byte of the file but its own hexadecimal text, and that
text has exactly one accepted spelling, so that any changed byte, wherever it is, is found.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from io import BytesIO
from pathlib import Path

from asn1crypto import pem, x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.ades.report import AdESIndeterminate
from pyhanko.sign.validation import (
    EmbeddedPdfSignature,
    PdfSignatureStatus,
    SignatureCoverageLevel,
    validate_pdf_signature,
)
from pyhanko_certvalidator import ValidationContext

from teleconsult.clock import now
from teleconsult.notes.signature_bytes import is_canonical
from teleconsult.notes.verdict import SIZE_LIMIT, Outcome, Reason, Verdict

UNKNOWN_SIGNER = (Outcome.UNKNOWN_SIGNER, Reason.UNKNOWN_SIGNER)
PROBLEMS = {
    AdESIndeterminate.OUT_OF_BOUNDS_NO_POE: (Outcome.BAD, Reason.EXPIRED),
    AdESIndeterminate.EXPIRED: (Outcome.BAD, Reason.EXPIRED),
    AdESIndeterminate.CHAIN_CONSTRAINTS_FAILURE: (Outcome.BAD, Reason.NOT_FOR_SIGNING),
}
"""What ETSI EN 319 102-1 §5.1.3 calls it, and what we say. Any other problem: nobody we trust vouches for them."""


class NotGood(Exception):
    """The check ends here, with this reason."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


def verify_file(path: Path, trust: Path) -> Verdict:
    """Check a file against the roots in the folder `trust`. Raises OSError when the file cannot be read."""
    with path.open("rb") as file:
        return verify_pdf(file.read(SIZE_LIMIT + 1), trusted_roots(trust))


def trusted_roots(folder: Path) -> list[x509.Certificate]:
    """The certificates in every `*.pem` of the folder; none when there is no such folder."""
    return [
        x509.Certificate.load(der)
        for path in sorted(folder.glob("*.pem"))
        for _, _, der in pem.unarmor(path.read_bytes(), multiple=True)
    ]


def verify_pdf(content: bytes, roots: Sequence[x509.Certificate], *, at: datetime | None = None) -> Verdict:
    """Check the bytes of a file; `at` is the moment certificates must be valid (now, if not given).

    Never raises for what the bytes hold, but MemoryError. It is bounded in neither time nor memory, and may not be
    called within an event loop: there, and for a stranger's file, use `teleconsult.notes.verifying_apart`.
    """
    _refuse_event_loop()
    try:
        signature = _only_signature(content)
        return _verdict(_status(signature, roots, at or now()))
    except NotGood as finding:
        return Verdict(Outcome.BAD, finding.reason)


def _only_signature(content: bytes) -> EmbeddedPdfSignature:
    """The signature that covers the whole file. Raises NotGood."""
    if not content:
        raise NotGood(Reason.EMPTY)
    if len(content) > SIZE_LIMIT:
        raise NotGood(Reason.TOO_LARGE)
    if not content.startswith(b"%PDF-"):
        raise NotGood(Reason.NOT_PDF)
    try:
        reader = PdfFileReader(BytesIO(content))
        signatures = [] if reader.encrypted else reader.embedded_signatures
    except MemoryError:
        raise
    except Exception as error:  # whatever else a parser of foreign bytes throws, it means one thing
        raise NotGood(Reason.DAMAGED) from error
    if reader.encrypted:
        raise NotGood(Reason.ENCRYPTED)
    if not signatures:
        raise NotGood(Reason.UNSIGNED)
    if len(signatures) > 1:
        raise NotGood(Reason.SEVERAL)
    if not _covers_all(signatures[0], content):
        raise NotGood(Reason.CHANGED)
    return signatures[0]


def _covers_all(signature: EmbeddedPdfSignature, content: bytes) -> bool:
    """Whether everything but the signature's own text is signed (ISO 32000-1 §12.8.1), and that text is as written."""
    try:
        start, before, after, rest = (int(number) for number in signature.byte_range)
        if start != 0 or not 0 < before < after or after + rest != len(content):
            return False
        return is_canonical(content[before:after])
    except MemoryError:
        raise
    except Exception:  # as above: the text of a signature is foreign bytes, too
        return False


def _status(signature: EmbeddedPdfSignature, roots: Sequence[x509.Certificate], at: datetime) -> PdfSignatureStatus:
    context = ValidationContext(trust_roots=list(roots), allow_fetching=False, revocation_mode="soft-fail", moment=at)
    try:
        status = validate_pdf_signature(signature, context)
    except MemoryError:
        raise
    except Exception as error:  # it was well-formed when we wrote it
        raise NotGood(Reason.CHANGED) from error
    if not (status.intact and status.valid and status.coverage is SignatureCoverageLevel.ENTIRE_FILE):
        raise NotGood(Reason.CHANGED)
    return status


def _verdict(status: PdfSignatureStatus) -> Verdict:
    """What an unchanged file is worth: whether someone we trust vouches for its signer, and did so in time."""
    if not _is_for_signing(status.signing_cert):
        outcome, reason = Outcome.BAD, Reason.NOT_FOR_SIGNING
    elif status.trusted:
        outcome, reason = Outcome.GOOD, Reason.GOOD
    else:
        outcome, reason = PROBLEMS.get(status.trust_problem_indic, UNKNOWN_SIGNER)
    subject = status.signing_cert.subject.native
    return Verdict(
        outcome,
        reason,
        signer=_first(subject.get("common_name")),
        registration_number=_first(subject.get("serial_number")),
        organization=_first(subject.get("organization_name")),
        authority=_first(status.signing_cert.issuer.native.get("common_name")),
        signed_at=status.signer_reported_dt,
    )


def _refuse_event_loop() -> None:
    """The check starts a loop of its own; inside another it would fail, and a failure reads as a bad file."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError("A file cannot be checked within an event loop.")


def _is_for_signing(certificate: x509.Certificate) -> bool:
    """A person's certificate for binding signatures (RFC 5280 §4.2.1.3), not an authority's own."""
    usage = certificate.key_usage_value
    return not certificate.ca and usage is not None and "non_repudiation" in usage.native


def _first(value: str | list[str] | None) -> str:
    return (value[0] if isinstance(value, list) else value) or ""
