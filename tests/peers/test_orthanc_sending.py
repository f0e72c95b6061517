"""Debian's Orthanc sends to us by C-STORE and by STOW-RS, and asks us by QIDO-RS and WADO-RS, as others wrote it."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from pydicom.uid import generate_uid
from sqlalchemy import select

from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.imaging.dimse.listener import Door
from teleconsult.imaging.dimse.models import DicomPeer
from teleconsult.imaging.dimse.recognising import Hall
from teleconsult.imaging.models import ImagingStudy
from tests import consult_steps
from tests.peers.orthanc import HOST, TITLE, Orthanc
from tests.people import Cast, bearer_of
from tests.stow_steps import send, slice_of
from tests.teleconsult.imaging.dimse.conftest import hall, sandbox  # noqa: F401  (fixtures)
from tests.web.fhir_client import Program

Client = TestClient[web.Request, web.Application]
STUDY = generate_uid()


def slices(cast: Cast, count: int) -> list[bytes]:
    series = generate_uid()
    return [
        slice_of(cast, StudyInstanceUID=STUDY, SeriesInstanceUID=series, InstanceNumber=number)
        for number in range(count)
    ]


async def studies(sessions: Sessions) -> list[tuple[object, int]]:
    async with transaction(sessions) as session:
        found = await session.scalars(select(ImagingStudy))
        return [(study.patient_id, study.number_of_instances) for study in found]


@pytest.fixture
async def bearer(cast: Cast, sessions: Sessions) -> str:
    async with transaction(sessions) as session:
        return await bearer_of(session, cast.rural)


@pytest.fixture
async def ours(hospital: Orthanc, client: Client, bearer: str) -> AsyncIterator[str]:
    """Where our DICOMweb is, as Orthanc is told of it."""
    headers = {"Authorization": f"Bearer {bearer}"}
    server = {"Url": str(client.make_url("/dicomweb/")), "HttpHeaders": headers, "HasDelete": False}
    await hospital.ask("PUT", "/dicom-web/servers/ours", server)
    yield "/dicom-web/servers/ours"


async def test_by_c_store_and_the_same_again(
    hospital: Orthanc,
    cast: Cast,
    sessions: Sessions,
    hall: Hall,  # noqa: F811
) -> None:
    async with transaction(sessions) as session:
        session.add(
            DicomPeer(
                organization_id=cast.rural.organization_id,
                name="PACS",
                ae_title=TITLE,
                network=f"{HOST}/32",
                created_at=now(),
            )
        )
    async with Door(hall).opened(HOST, 0, None) as server:
        await hospital.know("teleconsult", port=server.sockets[0].getsockname()[1])
        await hospital.ask("POST", "/modalities/teleconsult/echo", {})
        await hospital.hold(*slices(cast, 7))
        (study,) = await hospital.ask("GET", "/studies")
        for _ in range(2):
            told = await hospital.ask(
                "POST", "/modalities/teleconsult/store", {"Resources": [study], "Synchronous": True}
            )
            assert (told["InstancesCount"], told["FailedInstancesCount"]) == (7, 0)
    assert await studies(sessions) == [(cast.patient.id, 7)]


async def test_by_stow_and_the_same_again(hospital: Orthanc, ours: str, cast: Cast, sessions: Sessions) -> None:
    await hospital.hold(*slices(cast, 7))
    (study,) = await hospital.ask("GET", "/studies")
    for _ in range(2):
        told = await hospital.ask("POST", f"{ours}/stow", {"Resources": [study], "Synchronous": True})
        assert int(told["InstancesCount"]) == 7
    assert await studies(sessions) == [(cast.patient.id, 7)]


async def test_it_finds_and_retrieves_what_we_have(
    hospital: Orthanc, ours: str, client: Client, cast: Cast, sessions: Sessions, bearer: str
) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    images = slices(cast, 5)
    answer, _told = await send(Program(client, bearer), *images)
    assert answer.status == 200
    asked = {"Uri": "/studies", "Arguments": {"PatientID": cast.patient.local_number}}
    (found,) = await hospital.ask("POST", f"{ours}/qido", asked)
    assert found["0020000D"]["Value"] == STUDY
    asked = {"Uri": f"/studies/{STUDY}/series", "Arguments": {"Modality": "CT"}}
    assert len(await hospital.ask("POST", f"{ours}/qido", asked)) == 1
    assert draft.patient_id == cast.patient.id
    told = await hospital.ask("POST", f"{ours}/retrieve", {"Resources": [{"Study": STUDY}], "Synchronous": True})
    assert int(told.get("ReceivedInstancesCount", told.get("InstancesCount", 0))) == 5
    kept = await hospital.ask("GET", "/instances")
    assert len(kept) == 5
    originals = set(images)
    for one in kept:
        answer = await hospital.client.get(f"http://{HOST}:{hospital.http}/instances/{one}/file")
        assert answer.content in originals, "byte for byte what we were sent"


async def test_what_is_not_open_to_it_stays_here(
    hospital: Orthanc, ours: str, client: Client, cast: Cast, sessions: Sessions
) -> None:
    """Images of a patient elsewhere are not retrieved."""
    async with transaction(sessions) as session:
        stranger = await bearer_of(session, cast.stranger)
    answer, _told = await send(Program(client, stranger), *slices(cast, 1))
    assert answer.status == 200
    wanted = {"Resources": [{"Study": STUDY}], "Synchronous": True}
    refused = await hospital.client.post(f"http://{HOST}:{hospital.http}{ours}/retrieve", json=wanted)
    assert refused.status_code >= 400
    assert await hospital.ask("GET", "/instances") == []
