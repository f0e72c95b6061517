"""Documents and videos of a study: listed on its page, sent by pieces, to those alone who may see the study."""

from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import MPEG2MPML, EncapsulatedPDFStorage, VideoPhotographicImageStorage, generate_uid
from sqlalchemy import func, select

from teleconsult.audit.models import AuditEvent
from teleconsult.db import Sessions, transaction
from teleconsult.imaging import reading
from teleconsult.imaging.models import ImagingInstance, ImagingStudy
from teleconsult.imaging.receiving import Received
from teleconsult.settings import Settings
from tests import consult_steps
from tests.conftest import SignIn
from tests.people import Cast
from tests.stow_steps import failures, send, stored
from tests.system_steps import let_in, system_program
from tests.teleconsult.imaging.captures.files import document
from tests.teleconsult.imaging.files import as_file, dicom_bytes
from tests.teleconsult.imaging.steps import door

Client = TestClient[web.Request, web.Application]
STUDY, PDF, VIDEO = "1.2.3.7", "1.2.3.7.1", "1.2.3.7.2"
STREAM = b"\x47" + bytes(range(256)) * 3 + b"\x01"
AT = f"/studies/{STUDY}/instances"


def _object(sop: str, series: str, **values: object) -> Dataset:
    ds = Dataset()
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.SOPInstanceUID = STUDY, f"{STUDY}.{series}", sop
    ds.PatientName, ds.PatientID, ds.SpecificCharacterSet = "Bélanger^Rose", "X1", "ISO_IR 192"
    ds.InstanceNumber = 1
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    return ds


def pdf_object(content: bytes, **values: object) -> bytes:
    """An Encapsulated PDF as another program sends it."""
    told = {"SOPClassUID": EncapsulatedPDFStorage, "Modality": "DOC", "SeriesDescription": "Lab"}
    return as_file(_object(PDF, "9", EncapsulatedDocument=content, **told, **values))


def video_object(*, pixels: bytes = b"", **values: object) -> bytes:
    """An MPEG-2 of another program, in three fragments or as `pixels` have them."""
    ds = _object(VIDEO, "8", SOPClassUID=VideoPhotographicImageStorage, Modality="XC", **values)
    ds.Rows, ds.Columns, ds.SamplesPerPixel, ds.BitsAllocated, ds.NumberOfFrames = 576, 720, 3, 8, 50
    ds.PhotometricInterpretation = "YBR_PARTIAL_420"
    ds.PixelData = pixels or encapsulate([STREAM], fragments_per_frame=3, has_bot=False)
    return as_file(ds, MPEG2MPML)


@pytest.fixture
async def shared(cast: Cast, sessions: Sessions, settings: Settings) -> None:
    """A submitted consult with a document and a video of other programs."""
    consult = await consult_steps.submitted(cast, sessions)
    Path(settings.data).mkdir(parents=True, exist_ok=True)
    async with door(sessions, settings.data) as opened:
        outcomes = await opened.bring(cast.rural, consult.id, pdf_object(document()), video_object())
    assert [one.refusal for one in outcomes] == [None, None]


async def test_they_come_from_machines_too(
    client: Client, signed_in: SignIn, sessions: Sessions, settings: Settings, cast: Cast
) -> None:
    """Over STOW-RS, filed with the patient they name, and opened by who may see the file."""
    machine = await let_in(sessions, cast.rural.organization_id, scope="system/ImagingStudy.c", name="Laboratory")
    sender = await system_program(client, settings, machine, scope="system/ImagingStudy.c")
    own = {"PatientID": cast.patient.local_number, "PatientName": f"{cast.patient.family}^{cast.patient.given}"}
    _answer, said = await send(sender, pdf_object(document(), **own), video_object(**own))
    assert (len(stored(said)), failures(said)) == (2, [])
    await signed_in("rural")
    page = await (await client.get(f"/studies/{STUDY}")).text()
    assert 'data-testid="enclosed-document"' in page
    assert (await (await client.get(f"{AT}/{VIDEO}/video")).read()) == STREAM


@pytest.mark.usefixtures("shared")
async def test_the_page_lists_them(client: Client, signed_in: SignIn) -> None:
    await signed_in("specialist")
    page = await (await client.get(f"/studies/{STUDY}")).text()
    assert 'data-testid="enclosed-document"' in page
    assert 'data-testid="enclosed-video"' in page
    assert "Lab 1" in page
    framed = await client.get(f"/studies/{STUDY}", headers={"Turbo-Frame": "study"})
    assert 'data-testid="enclosed-video"' in await framed.text()


async def test_a_study_of_images_alone_has_no_list(
    client: Client, signed_in: SignIn, cast: Cast, sessions: Sessions, settings: Settings
) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    Path(settings.data).mkdir(parents=True, exist_ok=True)
    async with door(sessions, settings.data) as opened:
        await opened.bring(cast.rural, consult.id, dicom_bytes(StudyInstanceUID=STUDY))
    await signed_in("specialist")
    assert "enclosures" not in await (await client.get(f"/studies/{STUDY}")).text()


@pytest.mark.usefixtures("shared")
async def test_a_document_is_a_file_that_nothing_opens_here(client: Client, signed_in: SignIn) -> None:
    await signed_in("specialist")
    answer = await client.get(f"{AT}/{PDF}/document")
    assert (await answer.read())[: len(document())] == document()
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="document.pdf"'
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    again = await client.get(f"{AT}/{PDF}/document", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status == 304


async def test_a_document_too_long_for_a_header(
    client: Client, signed_in: SignIn, cast: Cast, sessions: Sessions, settings: Settings
) -> None:
    """What is longer than 16 MiB is not read with the header, and sent from where it lies."""
    content = document() + bytes(reading.LARGEST_ELEMENT)
    consult = await consult_steps.submitted(cast, sessions)
    Path(settings.data).mkdir(parents=True, exist_ok=True)
    async with door(sessions, settings.data) as opened:
        path = settings.data / "large"
        path.write_bytes(pdf_object(content))
        await opened.receiver.receive(cast.rural, consult_id=consult.id, files=[Received("large", path)])
    await signed_in("rural")
    answer = await client.get(f"{AT}/{PDF}/document", headers={"Range": "bytes=0-99"})
    assert (answer.status, await answer.read()) == (206, content[:100])


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize(
    ("asked", "begin", "end"),
    [("bytes=0-", 0, 770), ("bytes=10-19", 10, 20), ("bytes=250-600", 250, 601), ("bytes=-5", 765, 770)],
)
async def test_a_video_is_sent_by_pieces(client: Client, signed_in: SignIn, asked: str, begin: int, end: int) -> None:
    await signed_in("specialist")
    answer = await client.get(f"{AT}/{VIDEO}/video", headers={"Range": asked})
    assert answer.status == 206
    assert await answer.read() == STREAM[begin:end]
    assert answer.headers["Content-Range"] == f"bytes {begin}-{end - 1}/{len(STREAM)}"
    assert answer.headers["Content-Type"] == "video/mp2t"


@pytest.mark.usefixtures("shared")
async def test_a_whole_video(client: Client, signed_in: SignIn) -> None:
    await signed_in("specialist")
    answer = await client.get(f"{AT}/{VIDEO}/video")
    assert (answer.status, await answer.read()) == (200, STREAM)
    assert (await client.get(f"{AT}/{VIDEO}/video", headers={"If-None-Match": answer.headers["ETag"]})).status == 304


@pytest.mark.usefixtures("shared")
async def test_one_is_not_the_other(client: Client, signed_in: SignIn) -> None:
    await signed_in("specialist")
    for path in (f"{VIDEO}/document", f"{PDF}/video", f"{generate_uid()}/video", f"{generate_uid()}/document"):
        assert (await client.get(f"{AT}/{path}")).status == 404


async def test_a_stream_that_lies_is_not_sent(
    client: Client, signed_in: SignIn, sessions: Sessions, settings: Settings, shared: None
) -> None:
    async with transaction(sessions) as session:
        kept = (await session.scalars(select(ImagingInstance).where(ImagingInstance.sop_instance_uid == VIDEO))).one()
    path = settings.data / "objects" / kept.object_key
    content = path.read_bytes()
    at = content.index(STREAM[:100]) - 4
    path.write_bytes(content[:at] + b"\xff\xff\xff\x7f" + content[at + 4 :])
    await signed_in("specialist")
    assert (await client.get(f"{AT}/{VIDEO}/video")).status == 404


_NO_BYTES = b"\xfe\xff\0\xe0\0\0\0\0"


@pytest.mark.parametrize(("pixels", "status"), [(b"", 404), (encapsulate([STREAM], has_bot=False)[8:], 200)])
async def test_a_stream_that_begins_with_nothing(
    client: Client, signed_in: SignIn, cast: Cast, sessions: Sessions, settings: Settings, pixels: bytes, status: int
) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    Path(settings.data).mkdir(parents=True, exist_ok=True)
    async with door(sessions, settings.data) as opened:
        await opened.bring(cast.rural, consult.id, video_object(pixels=_NO_BYTES + _NO_BYTES + pixels))
    await signed_in("specialist")
    answer = await client.get(f"{AT}/{VIDEO}/video")
    assert answer.status == status
    if status == 200:
        assert await answer.read() == STREAM


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("what", [f"{PDF}/document", f"{VIDEO}/video"])
async def test_nobody_else_sees_them_and_who_does_is_in_the_log(
    client: Client, signed_in: SignIn, sessions: Sessions, what: str
) -> None:
    await signed_in("stranger")
    assert (await client.get(f"{AT}/{what}")).status == 404
    await signed_in("specialist")
    for _again in range(2):
        assert (await client.get(f"{AT}/{what}")).status == 200
    async with transaction(sessions) as session:
        study = await session.scalar(select(ImagingStudy.id))
        opened = select(func.count()).where(AuditEvent.action == "study-opened", AuditEvent.entity_id == study)
        assert await session.scalar(opened) == 1
