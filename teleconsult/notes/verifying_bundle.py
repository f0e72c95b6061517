"""Is this file the FHIR document of a note as it was signed? Works on bytes and trusted roots alone.

What is accepted is strict, as for a PDF (ADR 5): the file has one spelling, the signature has one spelling, and the
rest is what was signed. So any changed byte is found, and said to be one of the document, its header or its signature.
"""

import asyncio
import base64
import binascii
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from asn1crypto import x509
from cryptography import x509 as crypto_x509
from jwt.api_jws import PyJWS
from jwt.exceptions import PyJWTError
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import (
    ExpiredError,
    InvalidCertificateError,
    NotYetValidError,
    PathBuildingError,
    PathError,
)

from teleconsult.clock import now
from teleconsult.notes.bundling import TIME, algorithm_for, export, url_safe
from teleconsult.notes.verdict import SIZE_LIMIT, Kind, Outcome, Reason, Signatory, Verdict, plausible

MEMBERS: Final = {"payload", "protected", "signature"}
SIGNATURE: Final = {"protected", "signature"}
MOST_SIGNERS: Final = 50
_MOST_CERTIFICATES: Final = 10
_INDICATIONS: Final = {
    Reason.EXPIRED: "OUT_OF_BOUNDS_NO_POE",
    Reason.NOT_FOR_SIGNING: "CHAIN_CONSTRAINTS_FAILURE",
    Reason.UNKNOWN_SIGNER: "NO_CERTIFICATE_CHAIN_FOUND",
}


class _NotGood(Exception):
    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


def is_exported(content: bytes) -> bool:
    """Whether this is to be judged as an exported document: JSON, not a PDF."""
    return content.lstrip()[:1] == b"{"


def verify_bundle(content: bytes, roots: Sequence[x509.Certificate], *, at: datetime | None = None) -> Verdict:
    """Check the bytes of an exported document (`bundling.export`); `at` is the moment certificates must be valid.

    Never raises for what the bytes hold, but MemoryError. Not to be called within an event loop.
    """
    try:
        return _verdict(content, roots, at or now())
    except _NotGood as finding:
        hashed = finding.reason in (Reason.CHANGED, Reason.HEADER_CHANGED, Reason.SIGNATURE_CHANGED)
        indication = "TOTAL-FAILED/HASH_FAILURE" if hashed else "TOTAL-FAILED/FORMAT_FAILURE"
        return Verdict(Outcome.BAD, finding.reason, kind=Kind.BUNDLE, indication=indication)
    except MemoryError:
        raise
    except Exception:  # certificates and numbers of a stranger's, nested and spelled as they please
        return Verdict(Outcome.BAD, Reason.UNCHECKABLE, kind=Kind.BUNDLE)


def _verdict(content: bytes, roots: Sequence[x509.Certificate], at: datetime) -> Verdict:
    payload, signatures = _members(content)
    each = [_signed_by(payload, *signature, roots, at) for signature in signatures]
    verdict = next((one for one in each if not one.is_good), each[0])
    if len(each) == 1:
        return verdict
    return replace(
        each[0],
        outcome=verdict.outcome,
        reason=verdict.reason,
        indication=verdict.indication,
        signers=tuple(signer for one in each for signer in one.signers),
    )


def _signed_by(
    payload: str, protected: str, signature: str, roots: Sequence[x509.Certificate], at: datetime
) -> Verdict:
    """The verdict on one of its signatures."""
    header = _header(protected)
    _refuse_uncovered(header)
    certificates = _certificates(header)
    try:
        name, verifier = algorithm_for(crypto_x509.load_der_x509_certificate(certificates[0].dump()))
        key: Any = crypto_x509.load_der_x509_certificate(certificates[0].dump()).public_key()
    except ValueError as error:
        raise _NotGood(Reason.HEADER_CHANGED) from error
    jws = PyJWS(algorithms=[])
    jws.register_algorithm(name, verifier)
    try:
        jws.decode_complete(f"{protected}..{signature}", key, algorithms=[name], detached_payload=payload.encode())
    except (PyJWTError, ValueError, TypeError) as error:
        raise _NotGood(Reason.CHANGED) from error
    return _of_whom(certificates, roots, at, signed_at=_signed_at(header), payload=payload)


def _members(content: bytes) -> tuple[str, list[tuple[str, str]]]:
    """The document and its signatures, protected header and value, of a file that is spelled as we write it."""
    if not content:
        raise _NotGood(Reason.EMPTY)
    if len(content) > SIZE_LIMIT:
        raise _NotGood(Reason.TOO_LARGE)
    try:
        whole = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _NotGood(Reason.DAMAGED) from error
    if isinstance(whole, dict) and whole.get("resourceType") == "Bundle":
        raise _NotGood(Reason.UNSIGNED)
    if not isinstance(whole, dict) or not isinstance(whole.get("payload"), str):
        raise _NotGood(Reason.DAMAGED)
    payload, signatures = whole["payload"], _signatures(whole)
    try:
        if export(payload, signatures) != content:
            raise _NotGood(Reason.CHANGED)
        if any(url_safe(_octets(signature)) != signature for _, signature in signatures):
            raise _NotGood(Reason.SIGNATURE_CHANGED)
    except (UnicodeEncodeError, binascii.Error, ValueError) as error:
        raise _NotGood(Reason.SIGNATURE_CHANGED) from error
    return payload, signatures


def _signatures(whole: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Of a JWS in JSON, flattened or general (RFC 7515 §7.2)."""
    listed = whole.get("signatures") if set(whole) == {"payload", "signatures"} else [whole]
    expected = SIGNATURE if listed != [whole] else MEMBERS
    if not isinstance(listed, list) or not 1 <= len(listed) <= MOST_SIGNERS:
        raise _NotGood(Reason.DAMAGED)
    found = list[tuple[str, str]]()
    for one in listed:
        if not isinstance(one, dict) or set(one) != expected or not all(isinstance(part, str) for part in one.values()):
            raise _NotGood(Reason.DAMAGED)
        found.append((one["protected"], one["signature"]))
    return found


def _header(protected: str) -> Mapping[str, Any]:
    try:
        header = json.loads(_octets(protected))
    except (ValueError, RecursionError) as error:
        raise _NotGood(Reason.HEADER_CHANGED) from error
    if not isinstance(header, dict):
        raise _NotGood(Reason.HEADER_CHANGED)
    return header


def _refuse_uncovered(header: Mapping[str, Any]) -> None:
    """Only this header has the signature cover the document beside it; any other would cover nothing (RFC 7797 §3)."""
    if header.get("b64") is not False or header.get("crit") != ["b64"]:
        raise _NotGood(Reason.HEADER_CHANGED)


def _certificates(header: Mapping[str, Any]) -> list[x509.Certificate]:
    """The signer's first (RFC 7515 §4.1.6); its hash must be the one that was signed along."""
    listed = header.get("x5c")
    if not isinstance(listed, list) or not 1 <= len(listed) <= _MOST_CERTIFICATES:
        raise _NotGood(Reason.HEADER_CHANGED)
    try:
        ders = [base64.b64decode(one, validate=True) for one in listed]
        certificates = [x509.Certificate.load(der, strict=True) for der in ders]
        for one in certificates:
            assert one.native
    except MemoryError:
        raise
    except Exception as error:  # whatever a parser of foreign bytes throws, it means one thing
        raise _NotGood(Reason.HEADER_CHANGED) from error
    if header.get("x5t#S256") != url_safe(hashlib.sha256(ders[0]).digest()):
        raise _NotGood(Reason.HEADER_CHANGED)
    return certificates


def _signed_at(header: Mapping[str, Any]) -> datetime:
    """The moment in its header, in the one spelling (`bundling.TIME`)."""
    try:
        told = plausible(datetime.strptime(header["sigT"], TIME).replace(tzinfo=UTC))
    except (KeyError, TypeError, ValueError) as error:
        raise _NotGood(Reason.HEADER_CHANGED) from error
    if told is None or told.strftime(TIME) != header["sigT"]:
        raise _NotGood(Reason.HEADER_CHANGED)
    return told


def _of_whom(
    certificates: Sequence[x509.Certificate],
    roots: Sequence[x509.Certificate],
    at: datetime,
    *,
    signed_at: datetime,
    payload: str,
) -> Verdict:
    """What an unchanged document is worth: whether someone we trust vouches for its signer, and did so in time."""
    own = certificates[0]
    outcome, reason = _vouched(own, certificates[1:], roots, at)
    subject = own.subject.native
    told = _told(payload)
    signer = Signatory(
        name=_first(subject.get("common_name")),
        registration_number=_first(subject.get("serial_number")),
        organization=_first(subject.get("organization_name")),
        authority=_first(own.issuer.native.get("common_name")),
        signed_at=signed_at,
        reason=reason,
    )
    return Verdict(
        outcome,
        reason,
        signer=signer.name,
        registration_number=signer.registration_number,
        organization=signer.organization,
        authority=signer.authority,
        signed_at=signed_at,
        kind=Kind.BUNDLE,
        document_oid=told[0],
        pdf_sha256=told[1],
        indication="TOTAL-PASSED" if reason is Reason.GOOD else f"INDETERMINATE/{_INDICATIONS[reason]}",
        signers=(signer,),
    )


def _vouched(
    own: x509.Certificate, others: Sequence[x509.Certificate], roots: Sequence[x509.Certificate], at: datetime
) -> tuple[Outcome, Reason]:
    usage = own.key_usage_value
    if own.ca or usage is None or "non_repudiation" not in usage.native:
        return Outcome.BAD, Reason.NOT_FOR_SIGNING
    context = ValidationContext(trust_roots=list(roots), allow_fetching=False, revocation_mode="soft-fail", moment=at)
    validator = CertificateValidator(own, list(others), validation_context=context)
    try:
        asyncio.run(validator.async_validate_usage({"non_repudiation"}))
    except (ExpiredError, NotYetValidError):
        return Outcome.BAD, Reason.EXPIRED
    except InvalidCertificateError:
        return Outcome.BAD, Reason.NOT_FOR_SIGNING
    except (PathBuildingError, PathError):
        return Outcome.UNKNOWN_SIGNER, Reason.UNKNOWN_SIGNER
    return Outcome.GOOD, Reason.GOOD


def _told(payload: str) -> tuple[str, str]:
    """What the signed document calls itself, and the SHA-256 of the PDF it goes with, in hexadecimal."""
    try:
        bundle = json.loads(payload)
        oid = str(bundle["identifier"]["value"]).removeprefix("urn:oid:")
        document = next(
            entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] == "DocumentReference"
        )
        name = str(document["identifier"][0]["value"]).removeprefix("ni:///sha-256;")
        return oid, _octets(name).hex()
    except (ValueError, KeyError, TypeError, IndexError, StopIteration, AttributeError, RecursionError):
        return "", ""


def _octets(text: str) -> bytes:
    """Base64url without padding."""
    return base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _first(value: str | list[str] | None) -> str:
    return (value[0] if isinstance(value, list) else value) or ""
