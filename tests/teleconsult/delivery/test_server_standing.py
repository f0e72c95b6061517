"""A mail server's certificate that was revoked is refused before anything is said; a silent authority stops no mail."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from teleconsult.clock import now
from teleconsult.delivery.server_standing import RevokedServer, require_standing
from teleconsult.settings import RevocationCheck, Settings

R = RevocationCheck


class Authority:
    """Issues a server's certificate and says over HTTP who was revoked, or nothing."""

    def __init__(self, folder: Path) -> None:
        self.key, self.folder, self.is_silent, self.revoked = (
            ec.generate_private_key(ec.SECP256R1()),
            folder,
            False,
            False,
        )
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Authority")])
        usage = x509.KeyUsage(*(False,) * 5, True, True, False, False)
        made = self._build(self.name, self.key.public_key()).add_extension(usage, critical=True)
        own = made.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True).sign(
            self.key, hashes.SHA256()
        )
        (folder / "ca.pem").write_bytes(own.public_bytes(Encoding.PEM))

    def issue(self, port: int) -> None:
        """`server.pem` and `server.key`; `port` is where the list is."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
        point = x509.UniformResourceIdentifier(f"http://127.0.0.1:{port}/list.crl")
        points = x509.CRLDistributionPoints([x509.DistributionPoint([point], None, None, None)])
        made = self._build(name, key.public_key()).add_extension(points, critical=False)
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
        own = made.add_extension(names, critical=False).sign(self.key, hashes.SHA256())
        self.serial = own.serial_number
        (self.folder / "server.pem").write_bytes(own.public_bytes(Encoding.PEM))
        kept = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (self.folder / "server.key").write_bytes(kept)

    def listed(self) -> bytes:
        moment = now()
        made = x509.CertificateRevocationListBuilder().issuer_name(self.name)
        made = made.last_update(moment - timedelta(hours=1)).next_update(moment + timedelta(days=1))
        if self.revoked:
            gone = x509.RevokedCertificateBuilder().serial_number(self.serial)
            made = made.add_revoked_certificate(gone.revocation_date(moment - timedelta(hours=2)).build())
        return made.sign(self.key, hashes.SHA256()).public_bytes(Encoding.DER)

    def _build(self, name: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        made = x509.CertificateBuilder().subject_name(name).issuer_name(self.name).public_key(key)
        made = made.serial_number(x509.random_serial_number())
        return made.not_valid_before(now() - timedelta(days=1)).not_valid_after(now() + timedelta(days=1))


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[Authority]:
    made = Authority(tmp_path)

    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(503 if made.is_silent else 200)
            self.end_headers()
            self.wfile.write(made.listed())

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Door) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        made.issue(server.server_port)
        yield made
        server.shutdown()


@contextmanager
def connected(folder: Path) -> Iterator[ssl.SSLSocket]:
    """A line under TLS, whose certificate was checked."""
    ours = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(folder / "server.pem", folder / "server.key")
    with socket.create_server(("127.0.0.1", 0)) as door:

        def answer() -> None:
            line, _address = door.accept()
            with theirs.wrap_socket(line, server_side=True) as secured:
                secured.recv(1)

        threading.Thread(target=answer, daemon=True).start()
        with (
            socket.create_connection(door.getsockname()) as line,
            ours.wrap_socket(line, server_hostname="127.0.0.1") as secured,
        ):
            yield secured


def look(folder: Path, check: RevocationCheck, *, data: str = "data") -> None:
    with connected(folder) as line:
        require_standing(line, Settings(data=folder / data, secure_mail_revocation=check))


def test_the_list_is_asked_and_kept(authority: Authority, tmp_path: Path) -> None:
    look(tmp_path, R.ALWAYS)
    authority.revoked = True
    look(tmp_path, R.ALWAYS)  # for some minutes what was said holds
    for check in (R.WHEN_TOLD, R.ALWAYS):
        with pytest.raises(RevokedServer):
            look(tmp_path, check, data="other")
    authority.is_silent = True
    with pytest.raises(RevokedServer):
        look(tmp_path, R.WHEN_TOLD, data="other")
    look(tmp_path, R.OFF, data="other")


def test_an_authority_that_says_nothing(authority: Authority, tmp_path: Path) -> None:
    authority.is_silent = True
    look(tmp_path, R.WHEN_TOLD)
    with pytest.raises(RevokedServer):
        look(tmp_path, R.ALWAYS)
