"""What a study may be laid beside: the patient's others that the person may read, and nothing else."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from teleconsult.db import Sessions
from teleconsult.imaging import comparing
from teleconsult.settings import Settings
from tests import consult_steps
from tests.conftest import SignIn
from tests.people import Cast
from tests.teleconsult.imaging.files import dicom_bytes
from tests.teleconsult.imaging.steps import door

Client = TestClient[web.Request, web.Application]
SHARED, ALSO_SHARED, NOT_SHARED = "1.2.840.1", "1.2.840.2", "1.2.840.3"


@pytest.fixture
async def studies(cast: Cast, sessions: Sessions, settings: Settings) -> AsyncIterator[None]:
    """Two studies of a submitted consult, and one of a draft about the same patient."""
    consult = await consult_steps.submitted(cast, sessions)
    draft = await consult_steps.drafted(cast, sessions)
    Path(settings.data).mkdir(parents=True, exist_ok=True)
    async with door(sessions, settings.data) as opened:
        for uid, consult_id in ((SHARED, consult.id), (ALSO_SHARED, consult.id), (NOT_SHARED, draft.id)):
            content = dicom_bytes(
                StudyInstanceUID=uid, SeriesInstanceUID=f"{uid}.1", SOPInstanceUID=f"{uid}.2", StudyDescription=uid
            )
            await opened.bring(cast.rural, consult_id, content)
    yield


async def offered(client: Client, uid: str) -> list[str]:
    answer = await client.get(f"/studies/{uid}/others", headers={"Turbo-Frame": "comparing"})
    page = await answer.text()
    assert answer.status == 200
    return [one for one in (SHARED, ALSO_SHARED, NOT_SHARED) if f'value="/studies/{one}?' in page]


@pytest.mark.usefixtures("studies")
async def test_the_others_of_the_patient_that_one_may_read(client: Client, signed_in: SignIn) -> None:
    await signed_in("rural")
    assert await offered(client, SHARED) == [ALSO_SHARED, NOT_SHARED]
    await signed_in("specialist")
    assert await offered(client, SHARED) == [ALSO_SHARED]


@pytest.mark.usefixtures("studies")
async def test_a_stranger_is_told_nothing(client: Client, signed_in: SignIn) -> None:
    for who in ("stranger", "nurse_elsewhere", "coordinator"):
        await signed_in(who)
        assert (await client.get(f"/studies/{SHARED}/others")).status == 404


@pytest.mark.usefixtures("studies")
async def test_no_more_are_offered_than_a_list_can_show(
    client: Client, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparing, "MOST_OFFERED", 1)
    await signed_in("rural")
    assert len(await offered(client, SHARED)) == 1


@pytest.mark.usefixtures("studies")
async def test_the_window_for_the_part_of_the_body_comes_first(
    client: Client, cast: Cast, sessions: Sessions, settings: Settings, signed_in: SignIn
) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    chest = {"StudyInstanceUID": "1.9", "SeriesInstanceUID": "1.9.1", "SOPInstanceUID": "1.9.2", "Modality": "CT"}
    async with door(sessions, settings.data) as opened:
        await opened.bring(cast.rural, draft.id, dicom_bytes(BodyPartExamined="CHEST", **chest))
    await signed_in("rural")
    page = await (await client.get("/studies/1.9")).text()
    assert page.index("For this part of the body") < page.index('value="-600,1500"') < page.index('value="40,80"')
