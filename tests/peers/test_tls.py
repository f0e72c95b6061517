"""TLS to archives as others wrote it: DCMTK's `storescp` with certificates of every kind."""

import asyncio
import datetime
import shutil
import socket
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from teleconsult.clock import now
from teleconsult.imaging.pacs.faults import Fault, PacsFault
from teleconsult.imaging.pacs.models import Pacs, PacsKind
from teleconsult.imaging.pacs.searching import test_pacs as ask_whether_it_is_there
from teleconsult.settings import Settings
from tests.pacs_steps import NETWORKS
from tests.teleconsult.hl7v2.test_listener import issue, make_authority

HOST = "127.0.0.1"
TITLE = "ARCHIVE"
pytestmark = pytest.mark.skipif(not shutil.which("storescp"), reason="Debian's dcmtk is not installed")


@pytest.fixture
def pki(tmp_path: Path) -> Path:
    """An authority, certificates of it for us and for archives of every kind, and another authority."""
    authority, key = make_authority(tmp_path)
    for name in ("ours", "good"):
        issue(tmp_path, name, authority, key)
    issue(tmp_path, "expired", authority, key, age=datetime.timedelta(days=3))
    issue(tmp_path, "early", authority, key, age=datetime.timedelta(days=-3))
    issue(tmp_path, "elsewhere", authority, key, address="192.0.2.1")
    (tmp_path / "others").mkdir()
    issue(tmp_path / "others", "ours", *make_authority(tmp_path / "others"))
    return tmp_path


@asynccontextmanager
async def storescp(*options: str) -> AsyncIterator[int]:
    """The port at which it listens."""
    with socket.create_server((HOST, 0)) as probe:
        port = int(probe.getsockname()[1])
    process = await asyncio.create_subprocess_exec(
        "storescp", "-aet", TITLE, "--ignore", *options, str(port), stdout=DEVNULL, stderr=DEVNULL
    )
    try:
        for _turn in range(100):
            with suppress(OSError):
                _reader, writer = await asyncio.open_connection(HOST, port)
                writer.close()
                break
            await asyncio.sleep(0.02)
        yield port
    finally:
        process.terminate()
        await process.wait()


def shown(pki: Path, name: str, *more: str) -> tuple[str, ...]:
    return ("+tls", str(pki / f"{name}.key"), str(pki / f"{name}.pem"), "+cf", str(pki / "ca.pem"), *more)


def archive_at(port: int, *, authority: str = "", uses_tls: bool = True) -> Pacs:
    return Pacs(
        name="PACS",
        kind=PacsKind.C_GET,
        address=f"{HOST}:{port}",
        ae_title=TITLE,
        calling_title="TELECONSULT",
        uses_tls=uses_tls,
        authority=authority,
        created_at=now(),
    )


async def fault_of(pacs: Pacs, settings: Settings) -> Fault:
    with pytest.raises(PacsFault) as raised:
        await ask_whether_it_is_there(pacs, settings)
    return raised.value.fault


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("good", Fault.UNSUPPORTED),  # storescp answers C-ECHO, and searches nothing
        ("expired", Fault.CERTIFICATE_EXPIRED),
        ("early", Fault.CERTIFICATE_EXPIRED),
        ("elsewhere", Fault.CERTIFICATE_NAME),
    ],
)
async def test_its_certificate_must_be_good(pki: Path, settings: Settings, name: str, fault: Fault) -> None:
    own = settings.model_copy(update={"pacs_networks": NETWORKS})
    async with storescp(*shown(pki, name, "-ic")) as port:
        assert await fault_of(archive_at(port, authority=(pki / "ca.pem").read_text()), own) is fault


async def test_its_certificate_must_be_of_the_authority(pki: Path, settings: Settings) -> None:
    own = settings.model_copy(update={"pacs_networks": NETWORKS})
    async with storescp(*shown(pki, "good", "-ic")) as port:
        for authority in ("", (pki / "others" / "ca.pem").read_text()):
            assert await fault_of(archive_at(port, authority=authority), own) is Fault.CERTIFICATE


async def test_one_that_demands_ours(pki: Path, settings: Settings) -> None:
    """It is shown the certificate of the settings; without one, or with another authority's, it turns us away."""
    authority = (pki / "ca.pem").read_text()
    own = settings.model_copy(update={"pacs_networks": NETWORKS})
    async with storescp(*shown(pki, "good", "-rc")) as port:
        for folder, fault in (
            (None, Fault.OUR_CERTIFICATE),
            (pki / "others", Fault.OUR_CERTIFICATE),
            (pki, Fault.UNSUPPORTED),
        ):
            update = {"tls_cert": folder / "ours.pem", "tls_key": folder / "ours.key"} if folder else {}
            assert await fault_of(archive_at(port, authority=authority), own.model_copy(update=update)) is fault


async def test_one_that_speaks_no_tls_and_one_that_speaks_nothing_else(pki: Path, settings: Settings) -> None:
    own = settings.model_copy(update={"pacs_networks": NETWORKS})
    async with storescp() as port:
        assert await fault_of(archive_at(port), own) is Fault.NO_TLS
    async with storescp(*shown(pki, "good", "-ic")) as port:
        assert await fault_of(archive_at(port, uses_tls=False), own) is Fault.HUNG_UP
