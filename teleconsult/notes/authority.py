"""The demonstration's certificate authority: a root that vouches for signers, on P-256 (RFC 5280).

A hospital brings its own authority and puts its root into the trust folder; nothing else here changes then.
"""

import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from teleconsult.sealing import Sealer

ROOT_YEARS = 20
SIGNER_YEARS = 3
YEAR = timedelta(days=365)
CLOCK_SKEW = timedelta(minutes=5)

ROOT_CERTIFICATE = "demo-authority.pem"
ROOT_KEY = "demo-authority.key"


@dataclass(frozen=True, slots=True)
class Authority:
    """A root certificate and its private key."""

    certificate: x509.Certificate
    private_key: ec.EllipticCurvePrivateKey


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
    """The authority of this data folder; made, with its key sealed, when there is none yet."""
    key_path = data / "authority" / ROOT_KEY
    certificate_path = trust_folder(data) / ROOT_CERTIFICATE
    if not (key_path.exists() and certificate_path.exists()):
        authority = make_authority("Teleconsult demonstration authority", at=at)
        _write(key_path, sealer.seal(_pkcs8(authority.private_key)))
        _write(certificate_path, authority.certificate.public_bytes(serialization.Encoding.PEM))
    key = serialization.load_der_private_key(sealer.open(key_path.read_bytes()), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return Authority(x509.load_pem_x509_certificate(certificate_path.read_bytes()), key)


def make_authority(name: str, *, at: datetime) -> Authority:
    """A new root, valid twenty years from `at`."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        _builder(subject, subject, key.public_key(), at, ROOT_YEARS * YEAR)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return Authority(builder.sign(key, hashes.SHA256()), key)


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
    root = authority.certificate
    certificate = (
        _builder(subject, root.subject, key.public_key(), at, SIGNER_YEARS * YEAR)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.private_key.public_key()), critical=False
        )
        .sign(authority.private_key, hashes.SHA256())
    )
    chain = b"".join(each.public_bytes(serialization.Encoding.PEM) for each in (certificate, root))
    return Issued(chain.decode(), _pkcs8(key), certificate.not_valid_after_utc)


def _builder(
    subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey, at: datetime, life: timedelta
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


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all, readable by its owner alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    partial.replace(path)
