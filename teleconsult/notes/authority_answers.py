"""What the demonstration's authority answers over HTTP: is a certificate good (OCSP, CRL), and what time is it.

Pure functions of bytes. A hospital's own authority and a public time-stamp authority take their place.
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from asn1crypto import algos, cms, core, pem, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import ocsp
from pyhanko.sign.general import as_signing_certificate_v2

from teleconsult.clock import now
from teleconsult.notes.authority import YEAR, Authority, Issued, issue_clock, write_whole
from teleconsult.sealing import Sealer

ANSWER_LIFE: Final = timedelta(days=1)
POLICY: Final = "2.25.305821105408246119474742976030998643995"
"""Under which our clock stamps (RFC 3161 §2.1), of our own arc (ITU-T X.667)."""
CLOCK: Final = "demo-clock"
REVOKED: Final = "revoked"

Revoked = Mapping[int, datetime]
"""Serial numbers, and since when each is revoked."""


@dataclass(frozen=True, slots=True)
class Clock:
    """A time-stamp authority's certificate and key."""

    certificate: asn1_x509.Certificate
    private_key: ec.EllipticCurvePrivateKey

    @classmethod
    def of(cls, issued: Issued) -> "Clock":
        """From what was issued to it."""
        _, _, der = next(pem.unarmor(issued.chain.encode(), multiple=True))
        key = serialization.load_der_private_key(issued.private_key, password=None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return cls(asn1_x509.Certificate.load(der), key)


def open_clock(data: Path, sealer: Sealer, authority: Authority) -> Clock:
    """The clock of this data folder; a new one where there is none, or the last year of its certificate has begun."""
    certificate, key = data / "authority" / f"{CLOCK}.pem", data / "authority" / f"{CLOCK}.key"
    if certificate.exists() and key.exists():
        loaded = x509.load_pem_x509_certificate(certificate.read_bytes())
        if loaded.not_valid_after_utc > now() + YEAR:
            return Clock.of(
                Issued(certificate.read_text("ascii"), sealer.open(key.read_bytes()), loaded.not_valid_after_utc)
            )
    issued = issue_clock(authority, name="Teleconsult demonstration clock", at=now())
    write_whole(key, sealer.seal(issued.private_key))
    write_whole(certificate, issued.chain.encode())
    return Clock.of(issued)


def revoked_in(data: Path) -> dict[int, datetime]:
    """What this data folder's authority has revoked: lines of a serial number and a moment."""
    path = data / "authority" / REVOKED
    lines = path.read_text("ascii").splitlines() if path.exists() else []
    return {int(serial): datetime.fromisoformat(moment) for serial, moment in (line.split() for line in lines)}


def revoke(data: Path, serial: int, *, at: datetime) -> None:
    """Take a certificate back."""
    revoked = revoked_in(data) | {serial: at}
    text = "".join(f"{number} {moment.isoformat()}\n" for number, moment in revoked.items())
    write_whole(data / "authority" / REVOKED, text.encode())


def answer_ocsp(authority: Authority, request: bytes, revoked: Revoked, *, at: datetime) -> bytes:
    """The status of the one certificate asked for (RFC 6960), signed by the issuer itself."""
    try:
        asked = ocsp.load_der_ocsp_request(request)
    except ValueError:
        return _refusal(ocsp.OCSPResponseStatus.MALFORMED_REQUEST)
    issuer = authority.certificate
    digest = hashes.Hash(asked.hash_algorithm)
    digest.update(
        issuer.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    )
    if digest.finalize() != asked.issuer_key_hash:
        return _refusal(ocsp.OCSPResponseStatus.UNAUTHORIZED)
    since = revoked.get(asked.serial_number)
    answer = (
        ocsp.OCSPResponseBuilder()
        .add_response_by_hash(
            issuer_name_hash=asked.issuer_name_hash,
            issuer_key_hash=asked.issuer_key_hash,
            serial_number=asked.serial_number,
            algorithm=asked.hash_algorithm,
            cert_status=ocsp.OCSPCertStatus.REVOKED if since else ocsp.OCSPCertStatus.GOOD,
            this_update=at,
            next_update=at + ANSWER_LIFE,
            revocation_time=since,
            revocation_reason=x509.ReasonFlags.unspecified if since else None,
        )
        .responder_id(ocsp.OCSPResponderEncoding.HASH, issuer)
        .sign(authority.private_key, hashes.SHA256())
    )
    return answer.public_bytes(serialization.Encoding.DER)


def revocation_list(authority: Authority, revoked: Revoked, *, at: datetime) -> bytes:
    """All it has revoked (RFC 5280 §5)."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.certificate.subject)
        .last_update(at)
        .next_update(at + ANSWER_LIFE)
        .add_extension(x509.CRLNumber(int(at.timestamp())), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.private_key.public_key()), critical=False
        )
    )
    for serial, since in revoked.items():
        builder = builder.add_revoked_certificate(
            x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(since).build()
        )
    return builder.sign(authority.private_key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def answer_time_stamp(clock: Clock, request: bytes, *, at: datetime) -> bytes:
    """A token over the digest asked for (RFC 3161 §2.4)."""
    try:
        asked = tsp.TimeStampReq.load(request, strict=True)
        imprint, nonce = asked["message_imprint"], asked["nonce"]
        algorithm = imprint["hash_algorithm"]["algorithm"].native
        is_digest = len(imprint["hashed_message"].native) == hashlib.new(algorithm).digest_size
    except (ValueError, TypeError):
        return _no_token("bad_data_format")
    if algorithm not in ("sha256", "sha384", "sha512") or not is_digest:
        return _no_token("bad_alg")
    told = {
        "version": "v1",
        "policy": POLICY,
        "message_imprint": imprint,
        "serial_number": secrets.randbits(64),
        "gen_time": at.replace(microsecond=0),
    }
    if nonce.native is not None:
        told["nonce"] = nonce
    token = _token(clock, tsp.TSTInfo(told).dump())
    granted = tsp.TimeStampResp({"status": {"status": "granted"}, "time_stamp_token": token})
    answer: bytes = granted.dump()
    return answer


def _token(clock: Clock, told: bytes) -> cms.ContentInfo:
    digest = algos.DigestAlgorithm({"algorithm": "sha256"})
    attributes = cms.CMSAttributes(
        [
            cms.CMSAttribute({"type": "content_type", "values": ["tst_info"]}),
            cms.CMSAttribute({"type": "message_digest", "values": [hashlib.sha256(told).digest()]}),
            cms.CMSAttribute(
                {"type": "signing_certificate_v2", "values": [as_signing_certificate_v2(clock.certificate)]}
            ),
        ]
    )
    signature = clock.private_key.sign(attributes.dump(), ec.ECDSA(hashes.SHA256()))
    own = clock.certificate
    signer = cms.IssuerAndSerialNumber({"issuer": own.issuer, "serial_number": own.serial_number})
    return cms.ContentInfo(
        {
            "content_type": "signed_data",
            "content": cms.SignedData(
                {
                    "version": "v3",
                    "digest_algorithms": [digest],
                    "encap_content_info": {"content_type": "tst_info", "content": core.ParsableOctetString(told)},
                    "certificates": [cms.CertificateChoices("certificate", own)],
                    "signer_infos": [
                        {
                            "version": "v1",
                            "sid": cms.SignerIdentifier("issuer_and_serial_number", signer),
                            "digest_algorithm": digest,
                            "signed_attrs": attributes,
                            "signature_algorithm": {"algorithm": "sha256_ecdsa"},
                            "signature": signature,
                        }
                    ],
                }
            ),
        }
    )


def _no_token(why: str) -> bytes:
    refused = tsp.TimeStampResp({"status": {"status": "rejection", "fail_info": {why}}})
    answer: bytes = refused.dump()
    return answer


def _refusal(status: ocsp.OCSPResponseStatus) -> bytes:
    return ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(serialization.Encoding.DER)
