"""From one revision of a signed PDF to the next: time-stamped, then shown to be good for decades, then renewed.

Pure of the database. Whatever comes out has stood our own check.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import Final

import httpx
from asn1crypto import x509
from pyhanko.pdf_utils.reader import PdfFileReader

from teleconsult.notes.authorities_asked import Unanswered, open_client
from teleconsult.notes.evidence_faults import EvidenceFault, Fault
from teleconsult.notes.evidence_models import Level
from teleconsult.notes.revocation import gather, path_of
from teleconsult.notes.stamping import ValidationMaterial, add_time_stamp
from teleconsult.notes.time_stamp_service import TimeStampService
from teleconsult.notes.verdict import Reason, Verdict
from teleconsult.notes.verifying import verify_pdf
from teleconsult.notes.verifying_structure import TIME_STAMP, answered_in

_FAULTS: Final = {Reason.REVOKED: Fault.REVOKED, Reason.CLOCK_REVOKED: Fault.CLOCK_REVOKED}


@dataclass(frozen=True, slots=True)
class Upgraded:
    """The next revision. `fault` says what is missing of B-LTA where it is only B-T."""

    pdf: bytes
    level: Level
    renew_before: datetime
    fault: Fault | None = None


def upgrade(
    pdf: bytes, *, clocks: Sequence[str], roots: Sequence[x509.Certificate], known: Sequence[x509.Certificate]
) -> Upgraded:
    """The PDF with the best evidence to be had now; in a thread: it waits for others, and starts loops of its own.

    `clocks` are the addresses of time-stamp authorities, `known` certificates that may stand between signer and root.
    Raises EvidenceFault where not even a time-stamp is to be had, or the signer had been revoked.
    """
    with open_client() as client:
        service = TimeStampService(clocks, client)
        stamped = pdf if _is_stamped(pdf) else add_time_stamp(pdf, service.stamp)
        service.stamp(hashlib.sha256().digest())  # whose certificates the last stamp will need, too
        try:
            material = _material(stamped, [*roots, *known, *service.seen], service, client)
        except Unanswered:
            if stamped is pdf:
                raise EvidenceFault(Fault.NO_ANSWER) from None
            return _checked(stamped, roots, Level.B_T, fault=Fault.NO_ANSWER)
        return _checked(add_time_stamp(stamped, service.stamp, material), roots, Level.B_LTA)


def _material(
    pdf: bytes, pool: Sequence[x509.Certificate], service: TimeStampService, client: httpx.Client
) -> ValidationMaterial:
    """On who signed and stamped since answers came last, on whoever brought those, and on who will stamp now."""
    signatures = list(PdfFileReader(BytesIO(pdf)).embedded_signatures)
    answered = answered_in(signatures)
    asked = {each.signer_cert.sha256: each.signer_cert for each in signatures[answered[-1] if answered else 0 :]}
    material = gather(list(asked.values()), pool, client)
    further = tuple(each for clock in (service.clock,) if clock for each in path_of(clock, pool))
    return ValidationMaterial(
        tuple({each.sha256: each for each in (*material.certificates, *further)}.values()),
        material.ocsps,
        material.crls,
    )


def _checked(pdf: bytes, roots: Sequence[x509.Certificate], level: Level, *, fault: Fault | None = None) -> Upgraded:
    verdict: Verdict = verify_pdf(pdf, roots)
    if not verdict.is_good or verdict.level != level or verdict.renew_before is None:
        raise EvidenceFault(_FAULTS.get(verdict.reason, Fault.NOT_GOOD))
    return Upgraded(pdf, level, verdict.renew_before, fault)


def _is_stamped(pdf: bytes) -> bool:
    """Whether the time of all that was signed is proven."""
    return bool(PdfFileReader(BytesIO(pdf)).embedded_signatures[-1].sig_object_type == TIME_STAMP)
