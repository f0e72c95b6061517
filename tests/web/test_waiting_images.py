"""The pages where images are matched: the list with its count, the choice, what is left out of it, deletion."""

from aiohttp import web
from aiohttp.test_utils import TestClient
from sqlalchemy import select

from teleconsult.db import Sessions, transaction
from teleconsult.imaging.models import ImagingStudy
from tests.conftest import Post, SignIn
from tests.people import Cast
from tests.stow_steps import send, slice_of
from tests.teleconsult.imaging.test_match import waiting
from tests.web.fhir_client import program
from web.requests import OBJECTS

Client = TestClient[web.Request, web.Application]
LIST = "/studies-to-match"


async def page(client: Client, path: str) -> str:
    answer = await client.get(path)
    assert answer.status == 200, path
    return await answer.text()


async def test_the_list_and_its_count(cast: Cast, sessions: Sessions, signed_in: SignIn, client: Client) -> None:
    await signed_in("secretary")
    assert LIST not in await page(client, "/patients"), "nothing waits"
    assert 'data-testid="waiting-study"' not in await page(client, LIST)
    study_id = await waiting(cast, sessions, header_patient_name="<b>Roy</b>^Aline", header_patient_id="A-7")
    assert f'href="{LIST}"' in await page(client, "/patients")
    listed = await page(client, LIST)
    for part in ("&lt;B&gt;ROY&lt;/B&gt; Aline", "A-7", "CT", "Scanner", f"{LIST}/{study_id}"):
        assert part in listed
    await signed_in("nurse_elsewhere")
    assert str(study_id) not in await page(client, LIST)
    assert LIST not in await page(client, "/patients")


async def test_who_registers_nobody_has_no_such_page(cast: Cast, signed_in: SignIn, client: Client) -> None:
    for who in ("coordinator", "admin", "privacy"):
        await signed_in(who)
        assert (await client.get(LIST)).status == 404


async def test_a_chosen_patient_gets_the_images(
    cast: Cast, sessions: Sessions, signed_in: SignIn, client: Client, post: Post
) -> None:
    study_id = await waiting(cast, sessions)
    await signed_in("nurse")
    assert cast.patient.local_number in await page(client, f"{LIST}/{study_id}?q={cast.patient.local_number}")
    address = f"{LIST}/{study_id}/match"
    assert (await post(address)).status == 422, "nobody is chosen"
    unsaid = await post(address, patient=str(cast.patient.id))
    text = await unsaid.text()
    assert (unsaid.status, cast.patient.local_number in text, "field-error" in text) == (422, True, True)
    assert (await post(address, patient="nobody")).status == 404
    assert (await post(address, patient=str(cast.patient_elsewhere.id), reason="Surely them.")).status == 404
    done = await post(address, patient=str(cast.patient.id), reason="Typed wrong.")
    assert (done.status, done.headers["Location"]) == (303, LIST)
    async with transaction(sessions) as session:
        assert (await session.get_one(ImagingStudy, study_id)).patient_id == cast.patient.id
    assert (await client.get(f"{LIST}/{study_id}")).status == 404


async def test_deleted_images_leave_no_bytes(
    cast: Cast, sessions: Sessions, signed_in: SignIn, client: Client, post: Post
) -> None:
    answer, _told = await send(await program(client, sessions, cast.rural), slice_of(cast, PatientID="A-7"))
    assert answer.status == 200
    async with transaction(sessions) as session:
        study_id = (await session.scalars(select(ImagingStudy.id))).one()
    await signed_in("secretary")
    unsaid = await post(f"{LIST}/{study_id}/discarding")
    assert unsaid.headers["Location"] == f"{LIST}/{study_id}"
    done = await post(f"{LIST}/{study_id}/discarding", reason="Sent here by mistake.")
    assert (done.status, done.headers["Location"]) == (303, LIST)
    assert client.app is not None
    root = client.app[OBJECTS].path_of("dicom")
    assert root is not None
    assert not [path for path in root.rglob("*") if path.is_file()]


async def test_programs_find_no_images_that_wait(cast: Cast, sessions: Sessions, client: Client) -> None:
    doctor = await program(client, sessions, cast.rural)
    await send(doctor, slice_of(cast, StudyInstanceUID="1.2.9", PatientID="A-7"))
    accept = {"Accept": "application/dicom+json"}
    answer, _nothing = await doctor.ask("GET", "/dicomweb/studies", headers=accept)
    assert answer.status == 204, "there is nothing to find"
    answer, _told = await doctor.ask("GET", "/dicomweb/studies/1.2.9/metadata", headers=accept)
    assert answer.status == 404
    await send(doctor, slice_of(cast, StudyInstanceUID="1.2.10"))
    _answer, found = await doctor.ask("GET", "/dicomweb/studies", headers=accept)
    assert [study["0020000D"]["Value"] for study in found] == [["1.2.10"]]


async def test_a_place_in_the_list_that_is_none(cast: Cast, signed_in: SignIn, client: Client) -> None:
    await signed_in("nurse")
    assert (await client.get(f"{LIST}?after=x")).status == 404
