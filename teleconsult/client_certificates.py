"""Certificates of other systems: demanded at a door, and told apart by their fingerprints."""

import asyncio
import hashlib
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from teleconsult.settings import Settings


def demanding_tls(settings: Settings, *, authority: Path | None) -> ssl.SSLContext | None:
    """TLS that demands a certificate of that authority; None where none is set."""
    if not (authority and settings.tls_cert and settings.tls_key):
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=authority)
    context.load_cert_chain(settings.tls_cert, settings.tls_key)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def fingerprint_at(writer: asyncio.StreamWriter) -> bytes | None:
    """SHA-256 of the certificate in DER that the other end of the connection showed; None without TLS."""
    peer: ssl.SSLObject | None = writer.get_extra_info("ssl_object")
    certificate = peer.getpeercert(binary_form=True) if peer else None
    return hashlib.sha256(certificate).digest() if certificate else None


def fingerprint_in(pem: str) -> bytes:
    """The same of a certificate as a person pastes it. Raises ValueError for what is none."""
    certificate = x509.load_pem_x509_certificate(pem.strip().encode())
    return hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest()


def certificates_in(pem: str) -> list[x509.Certificate]:
    """Those that a person pastes, each once, whatever else stands between them. Raises ValueError without any."""
    return list(dict.fromkeys(x509.load_pem_x509_certificates(pem.encode())))


def holds_private_key(text: str) -> bool:
    """Whether somebody pasted more than others may see (RFC 7468 §10 and §11)."""
    return "PRIVATE KEY" in text
