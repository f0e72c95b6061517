"""An authority for one local network: a server that serves https by it, and the page that leads devices there."""

import argparse
import json
import os
import plistlib
import socket
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from teleconsult.clock import now
from teleconsult.embedded import DatabaseUrls
from teleconsult.local_authority import (
    CERTIFICATE,
    FOLDER,
    KEY,
    SERVER_CERTIFICATE,
    SERVER_KEY,
    LocalAuthorityRefused,
    issue,
    make_authority,
    named,
    read_authority,
)
from teleconsult.settings import Settings, SettingsError, load_settings
from tests.people import SECRET
from tests.waiting import eventually
from tests.web.test_running import free_port
from web.listening import Certificate
from web.local_ca_commands import local_ca


def asked(data: Path, *names: str, anew: bool = False) -> int:
    return local_ca(Settings(data=data, secret_key=SECRET), argparse.Namespace(names=list(names), anew=anew))


def trusting_alone(data: Path) -> ssl.SSLContext:
    """A client that trusts this authority and nothing else in the world."""
    return ssl.create_default_context(cafile=str(data / FOLDER / CERTIFICATE))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("local-ca")
    assert asked(folder, "Tele.LAN", "127.0.0.1") == 0
    return folder


def test_keys_are_their_owners_alone(data: Path) -> None:
    for name in (KEY, SERVER_KEY):
        assert (data / FOLDER / name).stat().st_mode & 0o777 == 0o600


def test_it_can_vouch_for_these_names_alone(data: Path, tmp_path: Path) -> None:
    """Whoever stole its key could not play another site: a client refuses what it would sign then."""
    signer = load_pem_private_key((data / FOLDER / KEY).read_bytes(), password=None)
    authority = read_authority(data)
    assert authority
    server = x509.load_pem_x509_certificate((data / FOLDER / SERVER_CERTIFICATE).read_bytes())
    server.verify_directly_issued_by(authority.certificate)
    assert server.not_valid_after_utc - now() < timedelta(days=398), "Apple's devices take nothing longer"
    for others in ([x509.DNSName("bank.example")], [x509.IPAddress(named("192.0.2.9"))]):  # type: ignore[arg-type]
        forged = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(authority.certificate.subject)
            .public_key(server.public_key())
            .serial_number(1)
            .not_valid_before(now() - timedelta(days=1))
            .not_valid_after(now() + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName(others), critical=True)
            .sign(signer, hashes.SHA256())  # type: ignore[arg-type]
        )
        (tmp_path / "forged.pem").write_bytes(forged.public_bytes(Encoding.PEM))
        found = subprocess.run(
            ["openssl", "verify", "-x509_strict", "-CAfile", data / FOLDER / CERTIFICATE, tmp_path / "forged.pem"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert found.returncode
        assert "permitted subtree violation" in found.stderr


def test_what_it_refuses(data: Path, tmp_path: Path) -> None:
    for text in ("https://tele.lan", "tele.lan:8443", "*.lan", "", "-x", "a" * 300):
        with pytest.raises(LocalAuthorityRefused):
            named(text)
    with pytest.raises(SettingsError, match="Name what this server is called"):
        asked(tmp_path / "none")
    before = (data / FOLDER / CERTIFICATE).read_bytes()
    with pytest.raises(SettingsError, match="--anew"):
        asked(data, "another.lan")
    assert (data / FOLDER / CERTIFICATE).read_bytes() == before
    make_authority(tmp_path, ["old.lan"], at=now() - timedelta(days=3651))
    with pytest.raises(LocalAuthorityRefused, match="expired"):
        issue(tmp_path, at=now())
    (tmp_path / FOLDER / KEY).unlink()
    with pytest.raises(LocalAuthorityRefused, match="bring it back"):
        issue(tmp_path, at=now())


def test_names_alone_and_addresses_alone_leave_nothing_open(tmp_path: Path) -> None:
    for name, kinds in (("tele.lan", {x509.DNSName, x509.IPAddress}), ("10.0.0.7", {x509.DNSName, x509.IPAddress})):
        made = make_authority(tmp_path / name, [named(name)], at=now())
        told = made.certificate.extensions.get_extension_for_class(x509.NameConstraints)
        assert told.critical
        assert {type(one) for one in told.value.permitted_subtrees or []} == kinds, "no kind is left unsaid"
        assert set(made.names) - {named(name)} <= {"localhost", named("127.0.0.1")}


def test_half_a_renewal_is_not_taken(tmp_path: Path) -> None:
    asked(tmp_path, "127.0.0.1")
    folder = tmp_path / FOLDER
    served = Certificate(folder / SERVER_CERTIFICATE, folder / SERVER_KEY)
    assert not served.refresh()
    old = (folder / SERVER_KEY).read_bytes()
    asked(tmp_path)
    new = (folder / SERVER_KEY).read_bytes()
    (folder / SERVER_KEY).write_bytes(old)
    assert not served.refresh(), "certificate and key of two renewals"
    (folder / SERVER_KEY).write_bytes(new)
    assert served.refresh()


@pytest.fixture
def at_work(data: Path, clean_database: DatabaseUrls) -> Iterator[tuple[int, int]]:
    """A server process with that certificate: its port, and its port in the clear."""
    port, clear = free_port(), free_port()
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("TELECONSULT_")},
        "TELECONSULT_DATABASE_URL": clean_database.app,
        "TELECONSULT_DATA": str(data),
        "TELECONSULT_SECRET_KEY": SECRET,
        "TELECONSULT_PORT": str(port),
        "TELECONSULT_TRUST_PORT": str(clear),
        "TELECONSULT_TLS_CERT": str(data / FOLDER / SERVER_CERTIFICATE),
        "TELECONSULT_TLS_KEY": str(data / FOLDER / SERVER_KEY),
    }
    process = subprocess.Popen([sys.executable, "-m", "web", "serve"], env=environment)
    yield port, clear
    process.terminate()
    assert process.wait(30) == 0


def shown(port: int, data: Path) -> bytes:
    """The certificate that is served, to who trusts this authority alone."""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=5) as plain,
        trusting_alone(data).wrap_socket(plain, server_hostname="127.0.0.1") as line,
    ):
        return line.getpeercert(binary_form=True) or b""


async def test_it_is_served_renewed_and_led_to(at_work: tuple[int, int], data: Path) -> None:
    port, clear = at_work

    def is_there() -> bool:
        try:
            return bool(shown(port, data))
        except (OSError, ssl.SSLError):
            return False

    for _patience in range(8):
        if await eventually(is_there):
            break
    _look_by_tls(port, data)
    _look_in_the_clear(port, clear, data)
    first = shown(port, data)
    assert asked(data) == 0
    for _patience in range(8):
        if await eventually(lambda: shown(port, data) != first):
            break
    assert shown(port, data) != first, "a renewed certificate is taken while it runs"


def _look_by_tls(port: int, data: Path) -> None:
    url = f"https://127.0.0.1:{port}/healthz"
    with urllib.request.urlopen(url, context=trusting_alone(data), timeout=30) as said:
        assert said.status == 200
    with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
        urllib.request.urlopen(url, timeout=30)


def _look_in_the_clear(port: int, clear: int, data: Path) -> None:
    """The page that leads to trust, its files, and nothing else."""
    here, authority = f"http://127.0.0.1:{clear}", read_authority(data)
    assert authority
    asking = urllib.request.Request(f"{here}/trust?language=vi", headers={"User-Agent": "Android"})
    with urllib.request.urlopen(asking, timeout=30) as said:
        page = said.read().decode()
    assert 'lang="vi"' in page
    assert authority.fingerprint[:23] in page
    assert f"https://127.0.0.1:{port}" in page
    with urllib.request.urlopen(f"{here}/trust/teleconsult.crt", timeout=30) as said:
        assert said.headers["Content-Type"] == "application/x-x509-ca-cert"
        assert said.read() == authority.der
    with urllib.request.urlopen(f"{here}/trust/teleconsult.mobileconfig", timeout=30) as said:
        assert said.headers["Content-Type"] == "application/x-apple-aspen-config"
        told = plistlib.loads(said.read())
    assert told["PayloadContent"][0]["PayloadContent"] == authority.der
    assert json.dumps(told["PayloadUUID"])
    for method, path, status in (
        ("GET", "/", 308), ("GET", "/sign-in", 308), ("POST", "/sign-in", 403), ("GET", "/trusted", 308),
        ("POST", "/fhir/Patient", 403), ("GET", "/socket.io/?EIO=4&transport=websocket", 308), ("GET", "/metrics", 308),
    ):  # fmt: skip
        answer = _bare(clear, method, path)
        assert answer.startswith(f"HTTP/1.1 {status}".encode()), (method, path, answer[:80])
        if status == 308:
            assert f"Location: https://127.0.0.1:{port}{path}".encode() in answer


def _bare(port: int, method: str, path: str) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as line:
        line.sendall(f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        said = b""
        while piece := line.recv(4096):
            said += piece
        return said


def test_a_port_in_the_clear_wants_a_certificate(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TELECONSULT_TRUST_PORT", "8081")
    with pytest.raises(SettingsError, match="TELECONSULT_TRUST_PORT"):
        load_settings(data=tmp_path)
