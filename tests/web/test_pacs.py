"""Fetching from the hospital's archive, on its page: the search, the choice, what is on its way."""

import re
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from pydicom.uid import generate_uid
from pytest_aiohttp.plugin import AiohttpClient, AiohttpServer
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from teleconsult.db import Sessions, transaction
from teleconsult.imaging.pacs.models import FetchStatus, Pacs, PacsFetch, PacsKind
from teleconsult.settings import Settings
from tests import consult_steps
from tests.conftest import Post, SignIn
from tests.pacs_steps import NETWORKS, archive
from tests.people import Cast
from tests.stow_steps import slice_of
from tests.teleconsult.imaging.pacs.web_archive import WebArchive
from web.app import make_app

Client = TestClient[web.Request, web.Application]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Archives may stand on this machine."""
    return settings.model_copy(update={"pacs_networks": NETWORKS})


@pytest.fixture
async def client(settings: Settings, engine: AsyncEngine, aiohttp_client: AiohttpClient) -> Client:
    return await aiohttp_client(make_app(settings, engine))


@pytest.fixture
async def there(aiohttp_server: AiohttpServer, cast: Cast, sessions: Sessions) -> AsyncIterator[WebArchive]:
    """The archive of the rural health centre, with three images of its patient."""
    found = WebArchive()
    server = await aiohttp_server(found.app())
    found.url = f"http://127.0.0.1:{server.port}/dicom-web"
    own = {"StudyInstanceUID": generate_uid(), "SeriesInstanceUID": generate_uid(), "AccessionNumber": "A17"}
    found.images += [slice_of(cast, InstanceNumber=number, **own) for number in range(3)]
    await archive(sessions, cast, PacsKind.DICOMWEB, found.url)
    yield found


async def pacs_id(sessions: Sessions) -> str:
    async with transaction(sessions) as session:
        return str(await session.scalar(select(Pacs.id)))


async def fetches(sessions: Sessions) -> list[PacsFetch]:
    async with transaction(sessions) as session:
        return list(await session.scalars(select(PacsFetch)))


async def test_from_the_request_to_what_is_on_its_way(
    client: Client, signed_in: SignIn, post: Post, there: WebArchive, cast: Cast, sessions: Sessions
) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    await signed_in("rural")
    page = f"/consults/{draft.id}/pacs"
    assert f'href="{page}"' in await (await client.get(f"/consults/{draft.id}")).text()
    assert cast.patient.local_number in await (await client.get(page)).text()
    answer = await post(f"{page}-search", pacs=await pacs_id(sessions), number=cast.patient.local_number)
    found = await answer.text()
    assert answer.status == 200
    assert "Found in PACS" in found
    assert "Tête sans contraste" in found
    assert "3 images" in found
    assert "pacs-differs" not in found
    (sealed,) = re.findall(r'name="study" value="([^"]+)"', found)
    for _ in range(2):
        answer = await post(f"{page}-fetches", study=sealed)
        assert (answer.status, answer.headers["Location"]) == (303, page)
    (fetch,) = await fetches(sessions)
    framed = await (await client.get(page, headers={"Turbo-Frame": "pacs-fetches"})).text()
    assert 'data-controller="again"' in framed
    assert 'data-status="queued"' in framed
    assert (await post(f"/pacs-fetches/{fetch.id}/cancellation")).status == 303
    framed = await (await client.get(page, headers={"Turbo-Frame": "pacs-fetches"})).text()
    assert 'data-controller="again"' not in framed
    assert "Stopped" in framed


async def test_what_differs_is_shown_and_asked_about(
    client: Client, signed_in: SignIn, post: Post, there: WebArchive, cast: Cast, sessions: Sessions
) -> None:
    there.images = [slice_of(cast, PatientName="<b>Lavoie^Luc", PatientBirthDate="19500101", AccessionNumber="A17")]
    draft = await consult_steps.drafted(cast, sessions)
    await signed_in("rural")
    page = f"/consults/{draft.id}/pacs"
    found = await (await post(f"{page}-search", pacs=await pacs_id(sessions), accession="A17")).text()
    assert "The PACS says: another name, another birth date" in found
    assert "&lt;b&gt;Lavoie Luc" in found
    (sealed,) = re.findall(r'name="study" value="([^"]+)"', found)
    refused = await post(f"{page}-fetches", study=sealed)
    assert refused.status == 422
    assert "Say first that these are this patient" in await refused.text()
    assert (await post(f"{page}-fetches", study=sealed, confirmed="yes")).status == 303


async def test_a_choice_is_good_for_who_was_shown_it_and_where(
    client: Client, signed_in: SignIn, post: Post, there: WebArchive, cast: Cast, sessions: Sessions
) -> None:
    other, draft = await consult_steps.submitted(cast, sessions), await consult_steps.drafted(cast, sessions)
    await signed_in("rural")
    number = {"number": cast.patient.local_number}
    found = await post(f"/consults/{draft.id}/pacs-search", pacs=await pacs_id(sessions), **number)
    (sealed,) = re.findall(r'name="study" value="([^"]+)"', await found.text())
    for consult, choice in ((other, sealed), (draft, sealed[:-8] + "AAAAAAA="), (draft, ""), (draft, "é")):
        answer = await post(f"/consults/{consult.id}/pacs-fetches", study=choice)
        assert answer.status == 422
        assert "This search is too old. Search again." in await answer.text()
    for who in ("colleague", "stranger", "specialist", "nurse"):
        await signed_in(who)
        assert (await post(f"/consults/{draft.id}/pacs-fetches", study=sealed)).status == 404
        assert (await post(f"/consults/{draft.id}/pacs-search", pacs=await pacs_id(sessions), **number)).status == 404
        assert (await client.get(f"/consults/{draft.id}/pacs")).status == 404
    assert await fetches(sessions) == []


async def test_what_went_wrong_is_said(
    client: Client, signed_in: SignIn, post: Post, there: WebArchive, cast: Cast, sessions: Sessions
) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    await signed_in("rural")
    search, pacs = f"/consults/{draft.id}/pacs-search", await pacs_id(sessions)
    number = {"pacs": pacs, "number": cast.patient.local_number}

    async def broken(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=401)

    there.answer = broken
    told = await (await post(search, **number)).text()
    assert "It does not accept our user name, password or token." in told
    there.answer, there.images = None, []
    assert "PACS has no images for this number" in await (await post(search, **number)).text()
    for typed, said in (({"accession": "*"}, "Type the whole accession number"), ({}, "Choose one of the patient")):
        answer = await post(search, pacs=pacs, **typed)
        assert answer.status == 422
        assert said in await answer.text()
    assert (await post(search, pacs="nothing", number="1")).status == 404


async def test_failures_are_told_with_what_to_do(
    client: Client, signed_in: SignIn, there: WebArchive, cast: Cast, sessions: Sessions
) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    async with transaction(sessions) as session:
        archive_id = await session.scalar(select(Pacs.id))
        session.add(
            PacsFetch(
                organization_id=cast.rural.organization_id,
                pacs_id=archive_id,
                service_request_id=draft.id,
                requester_role_id=cast.rural.role_id,
                study_instance_uid="1.2.3",
                status=FetchStatus.FAILED,
                expected=5,
                arrived=2,
                refused=1,
                refusal="not-chosen",
                fault="lost",
                created_at=draft.updated_at,
                changed_at=draft.updated_at,
            )
        )
    await signed_in("rural")
    page = await (await client.get(f"/consults/{draft.id}/pacs")).text()
    for said in ("2 of 5 images are here.", "The connection broke off. Try again.", "1 image was left out:"):
        assert said in page


async def test_without_an_archive_nothing_is_offered(
    client: Client, signed_in: SignIn, cast: Cast, sessions: Sessions
) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    await signed_in("rural")
    assert "fetch-from-pacs" not in await (await client.get(f"/consults/{draft.id}")).text()
    assert "No PACS is set up" in await (await client.get(f"/consults/{draft.id}/pacs")).text()
