"""Photographs, videos and PDFs through the doors for files: with what their sender says of them, and only then."""

import base64
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import ClientResponse, FormData, web
from aiohttp.test_utils import TestClient
from sqlalchemy import select

from teleconsult.audit.models import AuditEvent
from teleconsult.consults.models import ServiceRequest
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import HealthcareService, Specialty
from teleconsult.imaging.captures.kinds import Subject
from teleconsult.imaging.models import ImagingInstance, ImagingStudy
from teleconsult.settings import Settings
from tests import consult_steps
from tests.conftest import SignIn
from tests.people import Cast
from tests.teleconsult.imaging.captures.files import SECRET, document, photograph, video
from tests.teleconsult.imaging.files import dicom_bytes
from tests.web.resumable.tus import Tus
from web.captures import likely_subject
from web.csrf import token_for

Client = TestClient[web.Request, web.Application]
Upload = Callable[..., Awaitable[ClientResponse]]


@pytest.fixture
async def draft(cast: Cast, sessions: Sessions, signed_in: SignIn) -> ServiceRequest:
    """Of the rural doctor, who is signed in."""
    begun = await consult_steps.drafted(cast, sessions)
    await signed_in("rural")
    return begun


@pytest.fixture
def upload(client: Client, settings: Settings, draft: ServiceRequest) -> Upload:
    """`await upload("skin", ("name", bytes), …)`: the form of the page, sent by a browser without a script."""

    async def send(subject: str, *files: tuple[str, bytes], **headers: str) -> ClientResponse:
        form = FormData(default_to_multipart=True)
        cookie = client.session.cookie_jar.filter_cookies(client.make_url("/"))["session"].value
        form.add_field("csrf_token", token_for(settings, cookie))
        if subject:
            form.add_field("subject", subject)
        for name, content in files:
            form.add_field("files", content, filename=name, content_type="application/octet-stream")
        given = {"Accept": "application/json", **headers}
        return await client.post(f"/consults/{draft.id}/images", data=form, headers=given, allow_redirects=False)

    return send


async def classes(sessions: Sessions) -> list[str]:
    async with transaction(sessions) as session:
        return sorted((await session.scalars(select(ImagingInstance.sop_class_uid))).all())


async def test_the_page_asks_what_photographs_show(client: Client, draft: ServiceRequest) -> None:
    page = await (await client.get(f"/consults/{draft.id}")).text()
    assert 'data-testid="capture-files"' in page
    assert 'accept="image/jpeg,image/png,image/webp,video/mp4' in page
    assert 'name="subject" value="skin" checked' in page


async def test_without_a_script_they_come_with_the_form(
    client: Client, settings: Settings, sessions: Sessions, draft: ServiceRequest, upload: Upload
) -> None:
    files = ("a.jpg", photograph()), ("b.pdf", document()), ("c.mp4", video()), ("IM1", dicom_bytes())
    answer = await upload("film", *files, ("page.jpg", b"<html>"), Accept="text/html")
    assert (answer.status, answer.headers["Location"]) == (303, f"/consults/{draft.id}")
    page = await (await client.get(f"/consults/{draft.id}")).text()
    assert "4 images are here. 1 file was left out: page.jpg: This is not a DICOM file." in page
    assert "Photographs and documents" in page
    assert "/thumbnail?" in page
    assert len(await classes(sessions)) == 4
    assert not [path for path in (settings.data / "tmp").rglob("*") if path.is_file()]
    for path in (settings.data / "objects").rglob("*"):
        assert path.is_dir() or SECRET not in path.read_bytes()


async def test_the_pictures_of_a_disc_are_none_of_the_patient(sessions: Sessions, upload: Upload) -> None:
    """Where nobody says what they show, they are named and left out, as ever."""
    answer = await upload("", ("logo.jpg", photograph()), ("IM1", dicom_bytes()))
    told = await answer.json()
    assert (told["stored"], [one["name"] for one in told["refused"]]) == (1, ["logo.jpg"])
    assert len(await classes(sessions)) == 1


async def test_a_subject_that_there_is_not(upload: Upload, sessions: Sessions) -> None:
    answer = await upload("cat", ("a.jpg", photograph()))
    assert answer.status == 422
    assert await classes(sessions) == []


async def test_they_come_by_pieces(
    client: Client, settings: Settings, sessions: Sessions, draft: ServiceRequest
) -> None:
    tus = Tus(client, settings, draft.id)
    content = photograph()
    told = {"filename": "IMG_1.JPG", "subject": "skin"}
    metadata = ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in told.items())
    begun = await tus.begin(len(content), data=content, metadata=metadata)
    address = begun.headers["Location"]
    for _again in range(2):
        said = await (await tus.ask("POST", f"{address}/reception")).json()
        assert (said["stored"], said["received"], said["refused"]) == (1, 1, [])
    second = await tus.begin(len(content), data=content, metadata=metadata)
    said = await (await tus.ask("POST", f"{second.headers['Location']}/reception")).json()
    assert (said["stored"], said["received"], said["refused"]) == (0, 1, []), "it is here already"
    assert await classes(sessions) == ["1.2.840.10008.5.1.4.1.1.77.1.4"]
    assert not list((settings.data / "tmp").rglob("*made*"))
    async with transaction(sessions) as session:
        study = (await session.scalars(select(ImagingStudy))).one()
        acts = await session.scalars(select(AuditEvent).where(AuditEvent.entity_id == study.id))
        assert [act.action for act in acts] == ["images-stored", "images-stored"]
    wrong = ",".join([metadata.partition(",")[0], f"subject {base64.b64encode(b'cat').decode()}"])
    assert (await tus.begin(10, metadata=wrong)).status == 422


@pytest.mark.parametrize(
    ("specialty", "guess"),
    [(None, Subject.SKIN), (Specialty.DERMATOLOGY, Subject.SKIN), (Specialty.CARDIOLOGY, Subject.FILM)],
)
def test_what_is_guessed(specialty: Specialty | None, guess: Subject) -> None:
    service = HealthcareService(specialty=specialty) if specialty else None
    assert likely_subject(ServiceRequest(service=service)) is guess
