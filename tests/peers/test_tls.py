"""TLS to archives as others wrote it: DCMTK's `storescp` with certificates of every kind, and Orthanc both ways."""

import asyncio
import shutil
import socket
import ssl
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from pydicom.uid import generate_uid

from teleconsult.client_certificates import demanding_tls, fingerprint_in
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.imaging.dimse.listener import Door
from teleconsult.imaging.dimse.models import DicomPeer
from teleconsult.imaging.dimse.recognising import Hall
from teleconsult.imaging.pacs.faults import Fault, PacsFault
from teleconsult.imaging.pacs.models import FetchStatus, Pacs, PacsKind
from teleconsult.imaging.pacs.searching import test_pacs as ask_whether_it_is_there
from teleconsult.settings import Settings
from tests import consult_steps
from tests.pacs_steps import NETWORKS, Asking, archive
from tests.peers.orthanc import TITLE as ORTHANC
from tests.peers.orthanc import Orthanc
from tests.people import Cast
from tests.stow_steps import slice_of
from tests.teleconsult.imaging.dimse.conftest import hall, sandbox  # noqa: F401  (fixtures)

HOST = "127.0.0.1"
TITLE = "ARCHIVE"
pytestmark = pytest.mark.skipif(not shutil.which("storescp"), reason="Debian's dcmtk is not installed")


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


@pytest.mark.parametrize("kind", [PacsKind.C_GET, PacsKind.C_MOVE])
async def test_orthanc_is_searched_and_fetched_from_both_ways(
    hospital_by_tls: Orthanc,
    pki: Path,
    cast: Cast,
    sessions: Sessions,
    settings: Settings,
    hall: Hall,  # noqa: F811
    kind: PacsKind,
) -> None:
    """Each end demands the other's certificate. What it moves, and an echo of its own, comes by TLS to our door."""
    authority = (pki / "ca.pem").read_text()
    shown = {"tls_cert": pki / "ours.pem", "tls_key": pki / "ours.key", "dimse_client_ca": pki / "ca.pem"}
    own = settings.model_copy(update={"pacs_networks": NETWORKS, **shown})
    draft = await consult_steps.drafted(cast, sessions)
    peer = DicomPeer(
        organization_id=cast.rural.organization_id,
        name="PACS",
        ae_title=ORTHANC,
        certificate_sha256=fingerprint_in((pki / "good.pem").read_text()),
        created_at=now(),
    )
    async with transaction(sessions) as session:
        session.add(peer)
    place, moves = f"{HOST}:{hospital_by_tls.dicom}", kind is PacsKind.C_MOVE
    pacs = await archive(sessions, cast, kind, place, peer_id=peer.id if moves else None)
    async with transaction(sessions) as session:
        pacs = await session.get_one(Pacs, pacs.id)
        pacs.uses_tls, pacs.authority = True, authority
    tls = demanding_tls(own, authority=own.dimse_client_ca)
    async with Door(hall).opened(HOST, 0, tls) as server:
        await hospital_by_tls.know("teleconsult", port=server.sockets[0].getsockname()[1])
        await hospital_by_tls.ask("POST", "/modalities/teleconsult/echo", {})
        uids = {"StudyInstanceUID": generate_uid(), "SeriesInstanceUID": generate_uid()}
        await hospital_by_tls.hold(*(slice_of(cast, InstanceNumber=number, **uids) for number in range(3)))
        await ask_whether_it_is_there(pacs, own)
        asking = Asking(cast, sessions, own, hall.receiver._sandbox, draft.id, pacs)
        (found,) = (await asking.search()).studies
        fetch = await asking.fetch(found)
    assert (fetch.status, fetch.arrived) == (FetchStatus.DONE, 3)


async def test_orthanc_with_a_certificate_of_somebody_else_stays_outside(
    hospital_by_tls: Orthanc,
    pki: Path,
    settings: Settings,
    hall: Hall,  # noqa: F811
) -> None:
    """Our door demands one of another authority; and Orthanc demands one that we do not have."""
    others = pki / "others"
    shown = {"tls_cert": others / "ours.pem", "tls_key": others / "ours.key", "pacs_networks": NETWORKS}
    own = settings.model_copy(update=shown)
    async with Door(hall).opened(HOST, 0, demanding_tls(own, authority=others / "ca.pem")) as server:
        await hospital_by_tls.know("teleconsult", port=server.sockets[0].getsockname()[1])
        echo = f"{hospital_by_tls.site}/modalities/teleconsult/echo"
        assert (await hospital_by_tls.client.post(echo, json={})).status_code >= 400
    asked = archive_at(hospital_by_tls.dicom, authority=(pki / "ca.pem").read_text())
    assert await fault_of(asked, own) is Fault.OUR_CERTIFICATE


@asynccontextmanager
async def behind_tls(port: int, pki: Path, name: str) -> AsyncIterator[str]:
    """The address of a proxy before an archive that speaks HTTP alone, as hospitals set them up: Debian's Orthanc dies
    of the first connection by https.
    """
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(pki / f"{name}.pem", pki / f"{name}.key")

    async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while content := await reader.read(65536):
                writer.write(content)
                await writer.drain()
        writer.close()

    async def come(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection(HOST, port)
        await asyncio.gather(pour(reader, inner_writer), pour(inner_reader, writer))

    async with await asyncio.start_server(come, HOST, 0, ssl=tls) as server:
        yield f"https://{HOST}:{server.sockets[0].getsockname()[1]}/dicom-web"


async def test_dicomweb_with_an_authority_of_its_own(
    hospital: Orthanc,
    pki: Path,
    cast: Cast,
    sessions: Sessions,
    settings: Settings,
    hall: Hall,  # noqa: F811
) -> None:
    own = settings.model_copy(update={"pacs_networks": NETWORKS})
    draft = await consult_steps.drafted(cast, sessions)
    await hospital.hold(slice_of(cast))
    async with behind_tls(hospital.http, pki, "good") as address:
        pacs = await archive(sessions, cast, PacsKind.DICOMWEB, address)
        assert await fault_of(pacs, own) is Fault.CERTIFICATE
        async with transaction(sessions) as session:
            pacs = await session.get_one(Pacs, pacs.id)
            pacs.authority = (pki / "ca.pem").read_text()
        await ask_whether_it_is_there(pacs, own)
        asking = Asking(cast, sessions, own, hall.receiver._sandbox, draft.id, pacs)
        (found,) = (await asking.search()).studies
        assert (await asking.fetch(found)).status is FetchStatus.DONE


@pytest.mark.parametrize(
    ("name", "fault"), [("expired", Fault.CERTIFICATE_EXPIRED), ("elsewhere", Fault.CERTIFICATE_NAME)]
)
async def test_dicomweb_with_a_certificate_that_is_not_good(
    pki: Path, settings: Settings, name: str, fault: Fault
) -> None:
    async with behind_tls(1, pki, name) as address:
        pacs = archive_at(0, authority=(pki / "ca.pem").read_text())
        pacs.kind, pacs.address = PacsKind.DICOMWEB, address
        assert await fault_of(pacs, settings.model_copy(update={"pacs_networks": NETWORKS})) is fault
