"""The demonstration's certificate authority: a root that vouches for signers and for a clock, on P-256 (RFC 5280).

A hospital brings its own authority and puts its root into the trust folder; nothing else here changes then.
"""

import os
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from teleconsult.sealing import Sealer

ROOT_YEARS = 30
SIGNER_YEARS = 3
CLOCK_YEARS = 5
YEAR = timedelta(days=365)
CLOCK_SKEW = timedelta(minutes=5)

ROOT_CERTIFICATE = "demo-authority.pem"
ROOT_KEY = "demo-authority.key"
ADDRESS = "address"


@dataclass(frozen=True, slots=True)
class Authority:
    """A root certificate and its private key."""

    certificate: x509.Certificate
    private_key: ec.EllipticCurvePrivateKey
    address: str = ""
    """Where it answers (`authority_answers`), no slash at the end; empty where it answers nowhere."""


@dataclass(frozen=True, slots=True)
class Issued:
    """A signer's certificate, its chain up to the root as PEM, and its private key as PKCS#8 DER."""

    chain: str
    private_key: bytes
    not_after: datetime


def trust_folder(data: Path) -> Path:
    """Where the roots stand whose signatures we believe: PEM files."""
    return data / "trust"


def open_authority(data: Path, sealer: Sealer, *, at: datetime) -> Authority:
    """The authority of this data folder; made, with its key sealed, when there is none yet.

    It answers where the file `address` beside its key says, and where there is none, nowhere.
    """
    key_path = data / "authority" / ROOT_KEY
    certificate_path = trust_folder(data) / ROOT_CERTIFICATE
    if not has_authority(data):
        authority = make_authority("Teleconsult demonstration authority", at=at)
        write_whole(key_path, sealer.seal(_pkcs8(authority.private_key)))
        write_whole(certificate_path, authority.certificate.public_bytes(serialization.Encoding.PEM))
    key = serialization.load_der_private_key(sealer.open(key_path.read_bytes()), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return Authority(x509.load_pem_x509_certificate(certificate_path.read_bytes()), key, address_in(data))


def has_authority(data: Path) -> bool:
    """Whether this data folder has one: only that of a demonstration does."""
    return (data / "authority" / ROOT_KEY).exists() and (trust_folder(data) / ROOT_CERTIFICATE).exists()


def issued_here(data: Path, certificate: x509.Certificate) -> bool:
    """Whether the authority of this data folder vouches for it."""
    if not has_authority(data):
        return False
    root = x509.load_pem_x509_certificate((trust_folder(data) / ROOT_CERTIFICATE).read_bytes())
    try:
        certificate.verify_directly_issued_by(root)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def address_in(data: Path) -> str:
    """Where the authority of this data folder answers; empty where it does nowhere."""
    path = data / "authority" / ADDRESS
    return path.read_text(encoding="ascii").strip() if path.exists() else ""


def keep_address(data: Path, address: str) -> None:
    """Have it answer there: every certificate issued from now on says so."""
    write_whole(data / "authority" / ADDRESS, address.encode("ascii"))


def make_authority(name: str, *, at: datetime, address: str = "") -> Authority:
    """A new root, valid thirty years from `at`."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        _builder(subject, subject, key.public_key(), at, ROOT_YEARS * YEAR)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return Authority(builder.sign(key, hashes.SHA256()), key, address)


def issue(authority: Authority, *, name: str, registration_number: str, organization: str, at: datetime) -> Issued:
    """A signer's certificate: the professional's name, and the registration number as `serialNumber`."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization[:64]),
            x509.NameAttribute(NameOID.COMMON_NAME, name[:64]),
            x509.NameAttribute(NameOID.SERIAL_NUMBER, registration_number[:64]),
        ]
    )
    return _issued(authority, subject, key, at=at, life=SIGNER_YEARS * YEAR)


def issue_for(
    authority: Authority,
    public_key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey,
    *,
    name: str,
    registration_number: str,
    at: datetime,
) -> str:
    """A signer's chain for a key that is kept elsewhere, in a token or by a service."""
    subject = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, name), x509.NameAttribute(NameOID.SERIAL_NUMBER, registration_number)]
    )
    return _chain(authority, _certified(authority, subject, public_key, at=at, life=SIGNER_YEARS * YEAR))


def issue_clock(authority: Authority, *, name: str, at: datetime, life: timedelta = CLOCK_YEARS * YEAR) -> Issued:
    """A certificate that signs time-stamps and nothing else (RFC 3161 §2.3)."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
    return _issued(authority, subject, key, at=at, life=life, usage=usage)


def _issued(
    authority: Authority,
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    *,
    at: datetime,
    life: timedelta,
    usage: x509.ExtendedKeyUsage | None = None,
) -> Issued:
    certificate = _certified(authority, subject, key.public_key(), at=at, life=life, usage=usage)
    return Issued(_chain(authority, certificate), _pkcs8(key), certificate.not_valid_after_utc)


def _certified(
    authority: Authority,
    subject: x509.Name,
    public_key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey,
    *,
    at: datetime,
    life: timedelta,
    usage: x509.ExtendedKeyUsage | None = None,
) -> x509.Certificate:
    builder = (
        _builder(subject, authority.certificate.subject, public_key, at, life)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.private_key.public_key()), critical=False
        )
    )
    if usage is not None:
        builder = builder.add_extension(usage, critical=True)
    if authority.address:
        ocsp = x509.AccessDescription(
            AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(f"{authority.address}/ocsp")
        )
        crl = x509.DistributionPoint(
            [x509.UniformResourceIdentifier(f"{authority.address}/crl")],
            relative_name=None,
            reasons=None,
            crl_issuer=None,
        )
        builder = builder.add_extension(x509.AuthorityInformationAccess([ocsp]), critical=False).add_extension(
            x509.CRLDistributionPoints([crl]), critical=False
        )
    return builder.sign(authority.private_key, hashes.SHA256())


def _chain(authority: Authority, certificate: x509.Certificate) -> str:
    pem = (each.public_bytes(serialization.Encoding.PEM) for each in (certificate, authority.certificate))
    return b"".join(pem).decode()


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey,
    at: datetime,
    life: timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - CLOCK_SKEW)
        .not_valid_after(at + life)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=not signs_certificates,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _pkcs8(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def write_whole(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, readable by its owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    partial.replace(path)
