"""Is a certificate still good? Its authority is asked (OCSP, else its CRL), and what it answered is kept.

An answer is believed when it is signed as it must be and in date; so the last list that has not expired still says
who was revoked while nobody can be asked.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from itertools import pairwise
from pathlib import Path
from typing import Final

import httpx
from asn1crypto import crl as asn1_crl
from asn1crypto import ocsp as asn1_ocsp
from asn1crypto import pem
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID as Access
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import RevokedError
from pyhanko_certvalidator.policy_decl import CertRevTrustPolicy, RevocationCheckingPolicy, RevocationCheckingRule

from teleconsult.clock import now
from teleconsult.notes.authorities_asked import Unanswered, ask, fetch_list
from teleconsult.notes.authority import write_whole
from teleconsult.notes.stamping import ValidationMaterial

FRESH_FOR: Final = timedelta(minutes=5)
RUBBISH: Final = (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError)
"""What the reader of ASN.1 throws, at once or while it is looked into: the answer is none."""
SILENT_FOR: Final = timedelta(minutes=1)
"""How long an authority that did not answer is not asked again while somebody waits."""


OF_THE_FIRST: Final = CertRevTrustPolicy(
    RevocationCheckingPolicy(RevocationCheckingRule.CRL_OR_OCSP_REQUIRED, RevocationCheckingRule.NO_CHECK),
    retroactive_revinfo=True,
)
"""Whether the signer is revoked; of who stands above them the evidence tells."""


class Standing(Enum):
    """Of a certificate, as far as its authority tells."""

    GOOD = auto()
    REVOKED = auto()
    UNKNOWN = auto()
    """Nobody answered, and nothing kept says it. Or no authority of ours vouches for it."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What one authority said of one certificate."""

    ocsps: tuple[asn1_ocsp.OCSPResponse, ...] = ()
    crls: tuple[asn1_crl.CertificateList, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.ocsps or self.crls)


def certificates_in(chain: str) -> list[asn1_x509.Certificate]:
    """Those of a PEM, in their order."""
    return [asn1_x509.Certificate.load(der) for _, _, der in pem.unarmor(chain.encode(), multiple=True)]


def path_of(certificate: asn1_x509.Certificate, pool: Sequence[asn1_x509.Certificate]) -> list[asn1_x509.Certificate]:
    """The certificate and its issuers up to a root, as far as they are in the pool. By names: trust is asked later."""
    path = [certificate]
    while path[-1].issuer != path[-1].subject and len(path) < 8:
        issuer = next((each for each in pool if each.subject == path[-1].issuer and each.ca), None)
        if issuer is None:
            break
        path.append(issuer)
    return path


def gather(
    certificates: Sequence[asn1_x509.Certificate], pool: Sequence[asn1_x509.Certificate], client: httpx.Client
) -> ValidationMaterial:
    """All that a check of these certificates will need. Raises Unanswered where an authority does not answer."""
    chain: dict[bytes, asn1_x509.Certificate] = {}
    answers: dict[bytes, Answers] = {}
    for certificate in certificates:
        path = path_of(certificate, pool)
        for subject, issuer in pairwise(path):
            if subject.sha256 not in answers:
                answers[subject.sha256] = ask_about(subject, issuer, client)
        chain |= {each.sha256: each for each in path}
    return ValidationMaterial(
        tuple(chain.values()),
        tuple(each for said in answers.values() for each in said.ocsps),
        tuple(each for said in answers.values() for each in said.crls),
    )


def ask_about(subject: asn1_x509.Certificate, issuer: asn1_x509.Certificate, client: httpx.Client) -> Answers:
    """What the issuer says of the subject now. Raises Unanswered."""
    own = x509.load_der_x509_certificate(subject.dump())
    for address in _ocsp_addresses(own):
        question = ocsp.OCSPRequestBuilder().add_certificate(
            own,
            x509.load_der_x509_certificate(issuer.dump()),
            hashes.SHA1(),  # noqa: S303  # an identifier, and what every responder knows (RFC 5019 §2.1.1)
        )
        try:
            der = question.build().public_bytes(serialization.Encoding.DER)
            answer = asn1_ocsp.OCSPResponse.load(ask(client, address, der, kind="ocsp-request"), strict=True)
            if answer.native["response_status"] == "successful" and answer.basic_ocsp_response is not None:
                return Answers(ocsps=(answer,))
        except (Unanswered, *RUBBISH):
            continue
    for address in _list_addresses(own):
        try:
            listed = asn1_crl.CertificateList.load(fetch_list(client, address), strict=True)
            if listed["signature_algorithm"].native and listed["tbs_cert_list"]["this_update"].native:
                return Answers(crls=(listed,))
        except (Unanswered, *RUBBISH):
            continue
    raise Unanswered(subject.subject.human_friendly)


def judge_standing(
    path: Sequence[asn1_x509.Certificate],
    roots: Sequence[asn1_x509.Certificate],
    said: Answers,
    *,
    at: datetime,
) -> Standing:
    """What the answers are worth for the first certificate of the path. In a thread: it starts a loop of its own."""
    context = ValidationContext(
        trust_roots=list(roots),
        other_certs=list(path[1:]),
        ocsps=list(said.ocsps),
        crls=list(said.crls),
        allow_fetching=False,
        revinfo_policy=OF_THE_FIRST,
        moment=at,
    )
    validator = CertificateValidator(path[0], validation_context=context)
    try:
        asyncio.run(validator.async_validate_usage(set()))
    except RevokedError:
        return Standing.REVOKED
    except Exception:  # whatever else a foreign answer makes it throw: it says nothing we believe
        return Standing.UNKNOWN
    return Standing.GOOD


class KeptAnswers:
    """The last answer for each certificate, in a folder: fresh ones are used again, older ones where nobody answers."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def standing(
        self, path: Sequence[asn1_x509.Certificate], roots: Sequence[asn1_x509.Certificate], client: httpx.Client
    ) -> Standing:
        """Of the first certificate of the path, today."""
        if len(path) < 2:
            return Standing.UNKNOWN
        judged, silent = self._path(path[0], "judged"), self._path(path[0], "silent")
        if _age(judged) < FRESH_FOR:
            return Standing[judged.read_text("ascii")]
        if _age(silent) < SILENT_FOR:
            return judge_standing(path, roots, self._read(path[0]), at=now())
        try:
            said = ask_about(path[0], path[1], client)
        except Unanswered:
            write_whole(silent, b"")
            return judge_standing(path, roots, self._read(path[0]), at=now())
        standing = judge_standing(path, roots, said, at=now())
        if standing is not Standing.UNKNOWN:  # what is not believed displaces nothing
            for each in said.ocsps:
                write_whole(self._path(path[0], "ocsp"), each.dump())
            for listed in said.crls:
                write_whole(self._path(path[0], "crl"), listed.dump())
            write_whole(judged, standing.name.encode())
        return standing

    def _read(self, certificate: asn1_x509.Certificate) -> Answers:
        answer, listed = self._path(certificate, "ocsp"), self._path(certificate, "crl")
        return Answers(
            ocsps=(asn1_ocsp.OCSPResponse.load(answer.read_bytes()),) if answer.exists() else (),
            crls=(asn1_crl.CertificateList.load(listed.read_bytes()),) if listed.exists() else (),
        )

    def _path(self, certificate: asn1_x509.Certificate, kind: str) -> Path:
        return self._folder / f"{hashlib.sha256(certificate.dump()).hexdigest()}.{kind}"


def _age(path: Path) -> timedelta:
    """Since it was written; very long where it is not there."""
    try:
        return now() - datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except FileNotFoundError:
        return timedelta.max


def _ocsp_addresses(certificate: x509.Certificate) -> list[str]:
    try:
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    return [each.access_location.value for each in access if each.access_method == Access.OCSP]


def _list_addresses(certificate: x509.Certificate) -> list[str]:
    try:
        points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    return [name.value for point in points for name in point.full_name or () if isinstance(name.value, str)]
