"""DCMTK's own `echoscu` and `storescu` (Debian's `dcmtk`) find the door, and what they send is here."""

import asyncio
import shutil
import ssl
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from pydicom.uid import generate_uid
from sqlalchemy import func, select

from teleconsult.client_certificates import demanding_tls
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.imaging.dimse.listener import Door
from teleconsult.imaging.dimse.models import DicomPeer
from teleconsult.imaging.dimse.recognising import Hall
from teleconsult.imaging.models import ImagingInstance
from teleconsult.settings import Settings
from tests.people import Cast
from tests.stow_steps import slice_of
from tests.teleconsult.hl7v2.test_listener import issue, make_authority
from tests.teleconsult.imaging.dimse.conftest import hall, peer, sandbox  # noqa: F401  (fixtures)
from tests.teleconsult.imaging.files import HEAD, REAL

HOST = "127.0.0.1"
pytestmark = pytest.mark.skipif(not shutil.which("storescu"), reason="Debian's dcmtk is not installed")


@pytest.fixture
async def port(hall: Hall, peer: DicomPeer) -> AsyncIterator[str]:  # noqa: F811
    async with Door(hall).opened(HOST, 0, None) as server:
        yield str(server.sockets[0].getsockname()[1])


async def run(program: str, *arguments: str) -> tuple[int, str]:
    """Exit status, and what it said."""
    process = await asyncio.create_subprocess_exec(program, "-v", *arguments, stdout=PIPE, stderr=STDOUT)
    said, _nothing = await asyncio.wait_for(process.communicate(), 30)
    return process.returncode or 0, said.decode(errors="replace")


def study(folder: Path, cast: Cast, *, slices: int) -> Path:
    folder.mkdir()
    own = {"StudyInstanceUID": generate_uid(), "SeriesInstanceUID": generate_uid()}
    for number in range(slices):
        (folder / f"{number}.dcm").write_bytes(slice_of(cast, InstanceNumber=number, **own))
    return folder


async def kept(sessions: Sessions) -> int:
    async with transaction(sessions) as session:
        return await session.scalar(select(func.count(ImagingInstance.id))) or 0


async def test_echo(port: str) -> None:
    status, said = await run("echoscu", "-aet", "CT1", "-aec", "TELECONSULT", HOST, port)
    assert status == 0, said
    assert "Received Echo Response (Success)" in said


@pytest.mark.parametrize("titles", [("CT2", "TELECONSULT"), ("CT1", "ELSEWHERE")])
async def test_a_stranger_is_told_why(port: str, titles: tuple[str, str]) -> None:
    status, said = await run("echoscu", "-aet", titles[0], "-aec", titles[1], HOST, port)
    assert status != 0
    assert "AE Title Not Recognized" in said


async def test_a_study_and_the_same_again(port: str, cast: Cast, sessions: Sessions, tmp_path: Path) -> None:
    folder = study(tmp_path / "study", cast, slices=5)
    for _ in range(2):
        status, said = await run("storescu", "-aet", "CT1", "-aec", "TELECONSULT", "+sd", HOST, port, str(folder))
        assert status == 0, said
        assert said.count("Received Store Response (Success)") == 5
    assert await kept(sessions) == 5


@pytest.mark.parametrize(
    ("option", "name"),
    [
        ("-xv", HEAD.name),
        ("-xr", "MR_small_RLE.dcm"),
        ("-xi", "CT_small.dcm"),
        ("-xe", "CT_small.dcm"),
        ("-xb", "MR_small_bigendian.dcm"),
        ("-xs", "SC_rgb_jpeg_gdcm.dcm"),
    ],
)
async def test_real_files_of_many_codings(port: str, sessions: Sessions, option: str, name: str) -> None:
    arguments = (option, "-aet", "CT1", "-aec", "TELECONSULT", HOST, port, str(REAL / name))
    status, said = await run("storescu", *arguments)
    assert status == 0, said
    assert "Received Store Response (Success)" in said
    assert await kept(sessions) == 1


async def test_by_tls_with_a_certificate(
    hall: Hall,  # noqa: F811
    cast: Cast,
    sessions: Sessions,
    settings: Settings,
    tmp_path: Path,
) -> None:
    authority, key = make_authority(tmp_path)
    issue(tmp_path, "server", authority, key)
    theirs = issue(tmp_path, "scanner", authority, key)
    async with transaction(sessions) as session:
        session.add(
            DicomPeer(
                organization_id=cast.rural.organization_id,
                name="Scanner 2",
                ae_title="CT2",
                certificate_sha256=theirs.fingerprint(hashes.SHA256()),
                created_at=now(),
            )
        )
    own = settings.model_copy(update={"tls_cert": tmp_path / "server.pem", "tls_key": tmp_path / "server.key"})
    tls = demanding_tls(own, authority=tmp_path / "ca.pem")
    assert tls is not None
    assert tls.verify_mode is ssl.CERT_REQUIRED
    folder = study(tmp_path / "study", cast, slices=2)
    async with Door(hall).opened(HOST, 0, tls) as server:
        end = (HOST, str(server.sockets[0].getsockname()[1]), str(folder))
        shown = ("+tls", str(tmp_path / "scanner.key"), str(tmp_path / "scanner.pem"), "+cf", str(tmp_path / "ca.pem"))
        status, said = await run("storescu", *shown, "-aet", "CT2", "-aec", "TELECONSULT", "+sd", *end)
        assert status == 0, said
        for options in (("-aet", "CT2"), (*shown, "-aet", "CT1")):
            status, _said = await run("storescu", *options, "-aec", "TELECONSULT", "+sd", *end)
            assert status != 0
    assert await kept(sessions) == 2
