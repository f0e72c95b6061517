"""An authority of this installation's own, for a network without names that the world's authorities would vouch for.

Camera, microphone and passkeys want https, which wants a certificate that devices trust. What devices are asked to
trust here can vouch for the names and addresses it was made for, and for nothing else (name constraints, RFC 5280
§4.2.1.10): were its key stolen, no other site could be played.
"""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

FOLDER: Final = "local-ca"
CERTIFICATE: Final = "authority.crt"
KEY: Final = "authority.key"
SERVER_CERTIFICATE: Final = "server.crt"
SERVER_KEY: Final = "server.key"
LASTS: Final = timedelta(days=3650)
SERVER_LASTS: Final = timedelta(days=390)
"""Apple's devices take no certificate of a server that is good for longer than 398 days."""
BEFORE: Final = timedelta(days=1)
"""Clocks of devices are wrong."""
NAME: Final = re.compile(r"(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
HERE: Final = ("localhost", ip_address("127.0.0.1"))
"""What stands for a kind that nobody named: where nothing of a kind is said, all of it is permitted."""

Named = str | IPv4Address | IPv6Address


class LocalAuthorityRefused(Exception):
    """One sentence for whoever makes or renews certificates."""


@dataclass(frozen=True, slots=True)
class LocalAuthority:
    """What devices trust, as the world may have it."""

    certificate: x509.Certificate

    @property
    def der(self) -> bytes:
        """As devices take it (`application/x-x509-ca-cert`)."""
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def name(self) -> str:
        """As it stands in the lists of devices."""
        return str(self.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate, as devices show it: pairs of hexadecimal digits."""
        return self.certificate.fingerprint(hashes.SHA256()).hex(":").upper()

    @property
    def names(self) -> list[Named]:
        """What it may vouch for."""
        found = self.certificate.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees or []
        kept: list[Named] = []
        for one in found:
            kept.append(one.value if isinstance(one, x509.DNSName) else one.value.network_address)
        return kept


def named(text: str) -> Named:
    """A name or an address of this server in its network. Raises LocalAuthorityRefused for what is neither."""
    try:
        return ip_address(text)
    except ValueError:
        pass
    name = text.strip().lower().rstrip(".")
    if not NAME.fullmatch(name):
        raise LocalAuthorityRefused(f"{text} is neither a name of a server nor an address: no https://, no port.")
    return name


def of_both_kinds(names: Sequence[Named]) -> list[Named]:
    """These, and this very machine's own in place of the kind that is missing."""
    hosts = [one for one in names if isinstance(one, str)] or [HERE[0]]
    addresses = [one for one in names if not isinstance(one, str)] or [HERE[1]]
    return [*hosts, *addresses]


def read_authority(data: Path) -> LocalAuthority | None:
    """The authority of this data folder, if it has one."""
    try:
        return LocalAuthority(x509.load_pem_x509_certificate((data / FOLDER / CERTIFICATE).read_bytes()))
    except FileNotFoundError:
        return None


def make_authority(data: Path, names: Sequence[Named], *, at: datetime) -> LocalAuthority:
    """A new one, that can vouch for these alone; it takes the place of what was there."""
    permitted: list[x509.GeneralName] = [
        x509.DNSName(one) if isinstance(one, str) else x509.IPAddress(ip_network(one)) for one in of_both_kinds(names)
    ]
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Téléconsult {names[0]}"[:64])])
    certificate = (
        _begun(name, name, key.public_key(), at, LASTS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.NameConstraints(permitted, None), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder = data / FOLDER
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _write(folder / KEY, _private(key), 0o600)
    _write(folder / CERTIFICATE, certificate.public_bytes(Encoding.PEM), 0o644)
    return LocalAuthority(certificate)


def issue(data: Path, *, at: datetime) -> x509.Certificate:
    """A certificate for the server, with a new key, by the authority that is there. Raises LocalAuthorityRefused."""
    folder, authority = data / FOLDER, read_authority(data)
    if authority is None:
        raise LocalAuthorityRefused("There is no authority yet: name what this server is called in its network.")
    try:
        signer = load_pem_private_key((folder / KEY).read_bytes(), password=None)
    except (OSError, ValueError) as error:
        raise LocalAuthorityRefused(f"{folder / KEY} is not there: bring it back for as long as this takes.") from error
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    if authority.certificate.not_valid_after_utc <= at:
        raise LocalAuthorityRefused("The authority has expired: make a new one with --anew, and have devices trust it.")
    key = ec.generate_private_key(ec.SECP256R1())
    known = [x509.DNSName(one) if isinstance(one, str) else x509.IPAddress(one) for one in authority.names]
    lasts = min(SERVER_LASTS, authority.certificate.not_valid_after_utc - at)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, str(authority.names[0])[:64])])
    certificate = (
        _begun(subject, authority.certificate.subject, key.public_key(), at, lasts)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False
        )
        .add_extension(x509.SubjectAlternativeName(known), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .sign(signer, hashes.SHA256())
    )
    _write(folder / SERVER_KEY, _private(key), 0o600)
    _write(folder / SERVER_CERTIFICATE, certificate.public_bytes(Encoding.PEM), 0o644)
    return certificate


def _begun(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, at: datetime, lasts: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - BEFORE)
        .not_valid_after(at + lasts)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _write(path: Path, content: bytes, mode: int) -> None:
    """Whole or not at all, and never readable by more than it is to be."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
        os.fchmod(file.fileno(), mode)
    part.replace(path)
