"""Who signed, and since when that is proven: from the newest time-stamp back to the signature (EN 319 102-1 §5.6).

The newest stamp is believed as of today. It proves that everything before it, the answers of authorities among it,
was there at its time: as of then the next older one is believed, and so on; the signer's certificate is judged as of
the oldest stamp. pyHanko's `ades_lta_validation` does the same for signatures that carry a stamp of their own within
them; ours are signed without waiting for one, and stamped as documents (EN 319 142-1 §5.3: either makes B-T).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from asn1crypto import cms, ocsp, x509
from pyhanko.sign.ades.report import AdESIndeterminate, AdESSubIndic
from pyhanko.sign.validation import EmbeddedPdfSignature, validate_pdf_signature, validate_pdf_timestamp
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.errors import ValidationInfoReadingError
from pyhanko_certvalidator import ValidationContext

from teleconsult.notes.evidence_models import Level
from teleconsult.notes.verdict import Reason
from teleconsult.notes.verifying_structure import TIME_STAMP, NotGood, answered_in

CLOCKS_DIFFER: Final = timedelta(minutes=5)
"""How far the signer's machine may be ahead of the stamp."""


class Asks(StrEnum):
    """What of revocation must be shown: by the file where it can hold it, nothing of its last stamp."""

    ALL = "require"
    NOTHING = "none"


@dataclass(frozen=True, slots=True)
class Signed:
    """What was found of one signature. `problem` is None where it holds; `level` by what the file holds after it."""

    signer: x509.Certificate
    claimed_at: datetime | None
    level: Level
    problem: AdESSubIndic | None
    proven_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """What was found of an unchanged file. `problem` is None where all of it holds; `clock` signed the last stamp."""

    signed: tuple[Signed, ...]
    problem: AdESSubIndic | None
    is_clock: bool = False
    """Whether the problem is a stamp's."""
    clock: x509.Certificate | None = None

    @property
    def level(self) -> Level:
        """That of the signature with the least."""
        return min((each.level for each in self.signed), key=list(Level).index)


def judge(signatures: Sequence[EmbeddedPdfSignature], roots: Sequence[x509.Certificate], at: datetime) -> Judged:
    """Judge the signatures and the stamps as of `at`. Raises NotGood where one of them does not hold."""
    kinds = [each.sig_object_type for each in signatures]
    answered = answered_in(signatures)
    moment, problem, signed = at, None, list[Signed]()
    last = next((each for each in reversed(signatures) if each.sig_object_type == TIME_STAMP), None)
    for number in range(len(signatures) - 1, -1, -1):
        each, part = signatures[number], number + 1
        by = next((signatures[later] for later in answered if later > number), None)
        if kinds[number] == TIME_STAMP:
            context = _context(by or each, roots, moment, asks=Asks.ALL if by else Asks.NOTHING)
            found = _problem(_validated(validate_pdf_timestamp, each, context, part))
            stamped_at = _time_of(each)
            problem = problem or found or (None if stamped_at <= moment + CLOCKS_DIFFER else _ORDER)
            moment = stamped_at
        else:
            is_stamped = TIME_STAMP in kinds[number:]
            proven = _Proven(moment, by=by, store=by or signatures[-1]) if is_stamped else _Proven(at, store=each)
            signed.insert(0, _judge_signer(each, proven, roots, part, is_stamped=is_stamped, clocks=problem))
    return Judged(
        signed=tuple(signed),
        problem=problem or next((each.problem for each in signed if each.problem), None),
        is_clock=problem is not None,
        clock=last.signer_cert if last is not None else None,
    )


@dataclass(frozen=True, slots=True)
class _Proven:
    """When a signature was there at the latest, and by what its certificates are judged."""

    moment: datetime
    store: EmbeddedPdfSignature
    """What covers the answers of authorities, or at least certificates."""
    by: EmbeddedPdfSignature | None = None
    """The stamp that came with answers on it."""


def _judge_signer(
    signature: EmbeddedPdfSignature,
    proven: _Proven,
    roots: Sequence[x509.Certificate],
    part: int,
    *,
    is_stamped: bool,
    clocks: AdESSubIndic | None,
) -> Signed:
    moment, material = proven.moment, proven.store
    is_answered = proven.by is not None and _store(proven.by) is not None
    level = Level.B_LTA if is_answered else Level.B_T if is_stamped else Level.B_B
    context = _context(material, roots, moment, asks=Asks.ALL if is_answered else Asks.NOTHING)
    status = _validated(validate_pdf_signature, signature, context, part)
    if _problem(status) is _UNANSWERED and _was_revoked_later(signature, material, roots, moment):
        context = _context(material, roots, moment, asks=Asks.NOTHING)
        status = _validated(validate_pdf_signature, signature, context, part)
    claimed = status.signer_reported_dt
    late = _ORDER if is_stamped and claimed is not None and claimed > moment + CLOCKS_DIFFER else None
    return Signed(
        signer=status.signing_cert,
        claimed_at=claimed,
        level=level,
        problem=_problem(status) or late,
        proven_at=moment if is_stamped and clocks is None else None,
    )


_ORDER: Final = AdESIndeterminate.TIMESTAMP_ORDER_FAILURE
_UNANSWERED: Final = AdESIndeterminate.CERTIFICATE_CHAIN_GENERAL_FAILURE
_REVOKED: Final = (AdESIndeterminate.REVOKED_NO_POE, AdESIndeterminate.REVOKED_CA_NO_POE)


def _was_revoked_later(
    signature: EmbeddedPdfSignature, material: EmbeddedPdfSignature, roots: Sequence[x509.Certificate], moment: datetime
) -> bool:
    """Whether a good answer says that the signer was revoked, and only after `moment`: good until then.

    The library believes such an answer as of its own time only, so it is asked as of then.
    """
    store = _store(material)
    if store is None:
        return False
    since = [when for when in map(_revoked_since(signature.signer_cert.serial_number), store.ocsps) if when]
    if not since or min(since) <= moment:
        return False
    then = _validated(validate_pdf_signature, signature, _context(material, roots, min(since), asks=Asks.ALL), 1)
    return _problem(then) in _REVOKED


def _revoked_since(serial: int) -> Callable[[Any], datetime | None]:
    def since(reference: Any) -> datetime | None:
        answer = ocsp.OCSPResponse.load(reference.get_object().data)
        for single in answer.response_data["responses"] if answer["response_bytes"].native else ():
            if single["cert_id"]["serial_number"].native == serial and single["cert_status"].name == "revoked":
                moment: datetime = single["cert_status"].chosen["revocation_time"].native
                return moment
        return None

    return since


def _validated(validate: Any, signature: EmbeddedPdfSignature, context: ValidationContext, part: int) -> Any:
    try:
        status = validate(signature, context, skip_diff=True)  # what was added was looked at with the structure
    except MemoryError:
        raise
    except Exception as error:  # it was well-formed when we wrote it
        raise NotGood(Reason.CHANGED, part) from error
    if not (status.intact and status.valid):
        raise NotGood(Reason.CHANGED, part)
    return status


def _problem(status: Any) -> AdESSubIndic | None:
    if status.trusted:
        return None
    return status.trust_problem_indic or AdESIndeterminate.NO_CERTIFICATE_CHAIN_FOUND


def _time_of(stamp: EmbeddedPdfSignature) -> datetime:
    told: cms.EncapsulatedContentInfo = stamp.signed_data["encap_content_info"]
    moment: datetime = told["content"].parsed["gen_time"].native
    return moment


def _store(covered_by: EmbeddedPdfSignature) -> DocumentSecurityStore | None:
    """The answers of authorities that this signature covers."""
    try:
        return DocumentSecurityStore.read_dss(covered_by.reader.get_historical_resolver(covered_by.signed_revision))
    except ValidationInfoReadingError:
        return None
    except MemoryError:
        raise
    except Exception as error:
        raise NotGood(Reason.CHANGED) from error


def _context(
    covered_by: EmbeddedPdfSignature, roots: Sequence[x509.Certificate], moment: datetime, *, asks: Asks
) -> ValidationContext:
    """To judge a certificate as of `moment` by what `covered_by` proves to have been there; nothing is fetched."""
    settings: Mapping[str, Any] = {
        "trust_roots": list(roots),
        "allow_fetching": False,
        "moment": moment,
        "revocation_mode": asks.value,
        "retroactive_revinfo": True,  # answers are asked for after the stamp, and say more, not less
    }
    store = _store(covered_by)
    if store is None:
        return ValidationContext(**settings)
    try:
        if asks is Asks.NOTHING:
            return ValidationContext(**settings, other_certs=list(store.load_certs()))
        return store.as_validation_context(settings)
    except MemoryError:
        raise
    except Exception as error:
        raise NotGood(Reason.CHANGED) from error
