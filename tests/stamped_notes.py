"""Signed PDFs with evidence, without any row: an authority of the tests whose clock shows what a test wants."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from asn1crypto import ocsp as asn1_ocsp
from asn1crypto import tsp, x509
from cryptography import x509 as pyca
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from teleconsult.clock import now
from teleconsult.documents.pdf import render_note
from teleconsult.notes.authority import YEAR, Authority, Issued, issue, issue_clock, make_authority
from teleconsult.notes.authority_answers import Clock, answer_ocsp, answer_time_stamp
from teleconsult.notes.bundling import soft_key
from teleconsult.notes.revocation import certificates_in
from teleconsult.notes.signature import KeySigner, co_sign_pdf, sign_pdf
from teleconsult.notes.signature_bytes import written_again
from teleconsult.notes.stamping import Stamp, ValidationMaterial, add_time_stamp
from tests import note_steps


@cache
def authority() -> Authority:
    """Answers at an address where nobody is: the tests ask it directly."""
    return make_authority("Authority of the tests", at=now() - timedelta(days=1), address="http://127.0.0.1:9")


@cache
def signer() -> Issued:
    return issue(authority(), name="Dr Minh", registration_number="20002", organization="CHU", at=now())


def roots() -> list[x509.Certificate]:
    return [x509.Certificate.load(authority().certificate.public_bytes(Encoding.DER))]


@cache
def first_clock() -> Clock:
    return Clock.of(issue_clock(authority(), name="Clock", at=now()))


@cache
def bb() -> bytes:
    """As it is signed, nothing more."""
    printed = render_note(note_steps.content(), is_signed=True)
    return sign_pdf(printed, KeySigner(signer().chain, soft_key(signer().private_key)))


@cache
def bt() -> bytes:
    return add_time_stamp(bb(), stamp_of(first_clock(), now()))


@cache
def lta() -> bytes:
    at = now()
    return add_time_stamp(bt(), stamp_of(first_clock(), at), said_of(own(), first_clock().certificate, at=at))


@cache
def co_signer() -> Issued:
    return issue(authority(), name="Dr Girard", registration_number="30003", organization="CHU", at=now())


@cache
def co_signed() -> bytes:
    """Signed by another besides, after all its evidence came."""
    return co_sign_pdf(lta(), KeySigner(co_signer().chain, soft_key(co_signer().private_key)))


@cache
def co_signed_bt() -> bytes:
    return add_time_stamp(co_signed(), stamp_of(first_clock(), now()))


@cache
def co_signed_lta() -> bytes:
    at, other = now(), certificates_in(co_signer().chain)[0]
    material = said_of(other, first_clock().certificate, at=at)
    return add_time_stamp(co_signed_bt(), stamp_of(first_clock(), at), material)


def own() -> x509.Certificate:
    return certificates_in(signer().chain)[0]


def stamp_of(clock: Clock, at: datetime) -> Stamp:
    """That clock's, while it shows `at`."""

    def stamp(digest: bytes) -> bytes:
        imprint = {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": digest}
        asked = tsp.TimeStampReq({"version": "v1", "message_imprint": imprint, "nonce": 7, "cert_req": True})
        answer = tsp.TimeStampResp.load(answer_time_stamp(clock, asked.dump(), at=at))
        return written_again(answer["time_stamp_token"].dump())

    return stamp


def said_of(
    *certificates: x509.Certificate, at: datetime, revoked: dict[int, datetime] | None = None
) -> ValidationMaterial:
    """What the authority says of them at that time."""
    answers = []
    for each in certificates:
        asked = ocsp.OCSPRequestBuilder().add_certificate(
            pyca.load_der_x509_certificate(each.dump()), authority().certificate, hashes.SHA1()
        )
        der = answer_ocsp(authority(), asked.build().public_bytes(Encoding.DER), revoked or {}, at=at)
        answers.append(asn1_ocsp.OCSPResponse.load(der))
    return ValidationMaterial((*certificates, *roots()), tuple(answers))


@dataclass(frozen=True, slots=True)
class Renewed:
    """A note whose evidence was renewed every four years."""

    pdf: bytes
    until: datetime


@cache
def renewed(years: int, *, is_co_signed: bool = False) -> Renewed:
    """Until its last renewal is `years` old at the most four, each by a clock of its own time."""
    pdf, clock, at = co_signed_lta() if is_co_signed else lta(), first_clock(), now()
    while at + 4 * YEAR < now() + years * YEAR:
        at += 4 * YEAR
        following = Clock.of(issue_clock(authority(), name=f"Clock of {at.year}", at=at))
        pdf = add_time_stamp(pdf, stamp_of(following, at), said_of(clock.certificate, following.certificate, at=at))
        clock = following
    return Renewed(pdf, at)
