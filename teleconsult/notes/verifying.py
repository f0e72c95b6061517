"""Is this file a note as it was signed? Works on bytes and trusted roots alone: no database, no network.

What is accepted is strict. The signatures and the time-stamps cover every byte of the file but the hexadecimal
text of the last one, and that text has exactly one accepted spelling, so that any changed byte, wherever
it is, is found.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from asn1crypto import pem, x509
from pyhanko.sign.ades.report import AdESIndeterminate

from teleconsult.clock import now
from teleconsult.notes.verdict import SIZE_LIMIT, Outcome, Reason, Signatory, Verdict, plausible
from teleconsult.notes.verifying_structure import NotGood, signatures_in
from teleconsult.notes.verifying_times import Judged, Signed, judge

logging.getLogger("pyhanko").setLevel(logging.CRITICAL)  # it prints what is wrong with each file; the verdict says it

PASSED = "TOTAL-PASSED"
UNKNOWN = (Outcome.UNKNOWN_SIGNER, Reason.UNKNOWN_SIGNER)
PROBLEMS = {
    AdESIndeterminate.OUT_OF_BOUNDS_NO_POE: (Outcome.BAD, Reason.EXPIRED),
    AdESIndeterminate.OUT_OF_BOUNDS_NOT_REVOKED: (Outcome.BAD, Reason.EXPIRED),
    AdESIndeterminate.EXPIRED: (Outcome.BAD, Reason.EXPIRED),
    AdESIndeterminate.CHAIN_CONSTRAINTS_FAILURE: (Outcome.BAD, Reason.NOT_FOR_SIGNING),
    AdESIndeterminate.REVOKED_NO_POE: (Outcome.BAD, Reason.REVOKED),
    AdESIndeterminate.REVOKED_CA_NO_POE: (Outcome.BAD, Reason.REVOKED),
    AdESIndeterminate.REVOCATION_OUT_OF_BOUNDS_NO_POE: (Outcome.BAD, Reason.NO_EVIDENCE),
    AdESIndeterminate.TRY_LATER: (Outcome.BAD, Reason.NO_EVIDENCE),
    AdESIndeterminate.CERTIFICATE_CHAIN_GENERAL_FAILURE: (Outcome.BAD, Reason.NO_EVIDENCE),
    AdESIndeterminate.TIMESTAMP_ORDER_FAILURE: (Outcome.BAD, Reason.TIMES_DISAGREE),
}
"""What ETSI EN 319 102-1 §5.1.3 calls it, and what we say. Any other problem: nobody we trust vouches for them."""
OF_CLOCKS = {Reason.UNKNOWN_SIGNER: Reason.UNKNOWN_CLOCK, Reason.REVOKED: Reason.CLOCK_REVOKED}
"""What is said where the certificate is not the signer's but a time-stamp authority's."""


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
    """Check the bytes of a file; `at` is the moment the last certificate must be valid (now, if not given).

    Never raises for what the bytes hold, but MemoryError. It is bounded in neither time nor memory, and may not be
    called within an event loop: there, and for a stranger's file, use `teleconsult.notes.verifying_apart`.
    """
    _refuse_event_loop()
    try:
        signatures = signatures_in(content)
        return _verdict(judge(signatures, roots, at or now()))
    except NotGood as finding:
        return Verdict(Outcome.BAD, finding.reason, indication=_failure(finding), changed_part=finding.part)
    except MemoryError:
        raise
    except Exception:  # certificates, numbers and times of a stranger's
        return Verdict(Outcome.BAD, Reason.UNCHECKABLE)


def _failure(finding: NotGood) -> str:
    return "TOTAL-FAILED/HASH_FAILURE" if finding.reason is Reason.CHANGED else "TOTAL-FAILED/FORMAT_FAILURE"


def _verdict(judged: Judged) -> Verdict:
    """What an unchanged file is worth: whether someone we trust vouches for its signer, and did so in time."""
    indication = PASSED if judged.problem is None else f"INDETERMINATE/{judged.problem.name}"
    if not all(_is_for_signing(each.signer) for each in judged.signed):
        outcome, reason = Outcome.BAD, Reason.NOT_FOR_SIGNING
        indication = "INDETERMINATE/CHAIN_CONSTRAINTS_FAILURE"
    elif judged.problem is None:
        outcome, reason = Outcome.GOOD, Reason.GOOD
    else:
        outcome, reason = PROBLEMS.get(judged.problem, UNKNOWN)
        reason = OF_CLOCKS.get(reason, reason) if judged.is_clock else reason
    signers = tuple(_signatory(each) for each in judged.signed)
    first = signers[0]
    return Verdict(
        outcome,
        reason,
        signer=first.name,
        registration_number=first.registration_number,
        organization=first.organization,
        authority=first.authority,
        signed_at=first.signed_at,
        proven_at=first.proven_at,
        clock=_first(judged.clock.subject.native.get("common_name")) if judged.clock is not None else "",
        renew_before=plausible(judged.clock.not_valid_after) if judged.clock is not None else None,
        level=judged.level.value,
        indication=indication,
        signers=signers,
    )


def _signatory(signed: Signed) -> Signatory:
    subject = signed.signer.subject.native
    _, reason = (Outcome.GOOD, Reason.GOOD) if signed.problem is None else PROBLEMS.get(signed.problem, UNKNOWN)
    return Signatory(
        name=_first(subject.get("common_name")),
        registration_number=_first(subject.get("serial_number")),
        organization=_first(subject.get("organization_name")),
        authority=_first(signed.signer.issuer.native.get("common_name")),
        signed_at=plausible(signed.claimed_at),
        reason=reason if _is_for_signing(signed.signer) else Reason.NOT_FOR_SIGNING,
        proven_at=plausible(signed.proven_at),
        level=signed.level.value,
    )


def _refuse_event_loop() -> None:
    """The check starts a loop of its own; inside another it would fail, and a failure reads as a bad file."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError("A file cannot be checked within an event loop.")


def _is_for_signing(certificate: x509.Certificate) -> bool:
    """A person's certificate for binding signatures (RFC 5280 §4.2.1.3), not an authority's own nor a clock's."""
    usage, further = certificate.key_usage_value, certificate.extended_key_usage_value
    is_clock = further is not None and "time_stamping" in further.native
    return not certificate.ca and not is_clock and usage is not None and "non_repudiation" in usage.native


def _first(value: str | list[str] | None) -> str:
    return (value[0] if isinstance(value, list) else value) or ""
