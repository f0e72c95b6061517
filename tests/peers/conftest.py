"""Programs of others that run beside the tests, once for each worker."""

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.peers import mail_server, orthanc
from tests.teleconsult.hl7v2.test_listener import issue, make_authority


@pytest.fixture(scope="session")
def running_orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[orthanc.Orthanc]:
    if not orthanc.is_installed():
        pytest.skip("Debian's orthanc and orthanc-dicomweb are not installed")
    yield from orthanc.start(tmp_path_factory.mktemp("orthanc"))


@pytest.fixture
async def hospital(running_orthanc: orthanc.Orthanc) -> AsyncIterator[orthanc.Orthanc]:
    """The archive, empty; it knows us by our title."""
    await running_orthanc.empty()
    await running_orthanc.know("teleconsult")
    yield running_orthanc


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority, and certificates of it: ours, the archive's, and those of archives that nobody should call."""
    folder = tmp_path_factory.mktemp("pki")
    authority, key = make_authority(folder)
    for name in ("ours", "good"):
        issue(folder, name, authority, key)
    issue(folder, "expired", authority, key, age=timedelta(days=3))
    issue(folder, "early", authority, key, age=timedelta(days=-3))
    issue(folder, "elsewhere", authority, key, address="192.0.2.1")
    (folder / "others").mkdir()
    issue(folder / "others", "ours", *make_authority(folder / "others"))
    return folder


@pytest.fixture(scope="session")
def running_orthanc_by_tls(tmp_path_factory: pytest.TempPathFactory, pki: Path) -> Iterator[orthanc.Orthanc]:
    if not orthanc.is_installed():
        pytest.skip("Debian's orthanc and orthanc-dicomweb are not installed")
    own = {
        "DicomTlsEnabled": True,
        "DicomTlsCertificate": str(pki / "good.pem"),
        "DicomTlsPrivateKey": str(pki / "good.key"),
        "DicomTlsTrustedCertificates": str(pki / "ca.pem"),
        "DicomTlsRemoteCertificateRequired": True,
    }
    yield from orthanc.start(tmp_path_factory.mktemp("orthanc-by-tls"), own=own)


@pytest.fixture
async def hospital_by_tls(running_orthanc_by_tls: orthanc.Orthanc) -> AsyncIterator[orthanc.Orthanc]:
    """The archive that speaks DICOM by TLS alone, demands certificates, and knows us by our title."""
    await running_orthanc_by_tls.empty()
    await running_orthanc_by_tls.know("teleconsult")
    yield running_orthanc_by_tls


@pytest.fixture(scope="session")
def running_mail_server() -> Iterator[mail_server.MailServer]:
    if not mail_server.is_possible():
        pytest.skip("Debian's postfix and dovecot are not installed, or we are not root")
    yield from mail_server.start()


@pytest.fixture
def post_office(running_mail_server: mail_server.MailServer) -> mail_server.MailServer:
    """The mail server, its mailboxes empty."""
    running_mail_server.empty()
    return running_mail_server
