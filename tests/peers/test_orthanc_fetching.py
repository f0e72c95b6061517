"""Images are searched and fetched from Debian's Orthanc: by C-FIND with C-GET and C-MOVE, and by DICOMweb."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from pydicom.uid import generate_uid
from sqlalchemy import select

from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.imaging.dimse.listener import Door
from teleconsult.imaging.dimse.models import DicomPeer
from teleconsult.imaging.dimse.recognising import Hall
from teleconsult.imaging.models import ImagingInstance
from teleconsult.imaging.pacs.faults import Fault, PacsFault
from teleconsult.imaging.pacs.models import FetchStatus, PacsKind
from teleconsult.imaging.pacs.searching import test_pacs as ask_whether_it_is_there
from teleconsult.settings import Settings
from tests import consult_steps
from tests.pacs_steps import NETWORKS, Asking, archive
from tests.peers.orthanc import HOST, TITLE, Orthanc
from tests.people import Cast
from tests.stow_steps import slice_of
from tests.teleconsult.imaging.dimse.conftest import hall, sandbox  # noqa: F401  (fixtures)
from tests.teleconsult.imaging.files import HEAD

KINDS = list(PacsKind)
SetUp = Callable[[PacsKind], Awaitable[Asking]]


@pytest.fixture
async def set_up(
    hospital: Orthanc,
    cast: Cast,
    sessions: Sessions,
    settings: Settings,
    hall: Hall,  # noqa: F811
    sandbox: object,  # noqa: F811
) -> AsyncIterator[SetUp]:
    """`await set_up(kind)`: the archive as an administrator has it asked, our door for images open beside it."""
    own = settings.model_copy(update={"pacs_networks": NETWORKS})
    draft = await consult_steps.drafted(cast, sessions)
    async with Door(hall).opened(HOST, 0, None) as server:
        await hospital.know("teleconsult", port=server.sockets[0].getsockname()[1])

        async def asking(kind: PacsKind) -> Asking:
            peer = DicomPeer(
                organization_id=cast.rural.organization_id,
                name="PACS",
                ae_title=TITLE,
                network=f"{HOST}/32",
                created_at=now(),
            )
            async with transaction(sessions) as session:
                session.add(peer)
            address = hospital.dicomweb if kind is PacsKind.DICOMWEB else f"{HOST}:{hospital.dicom}"
            kept = await archive(sessions, cast, kind, address, peer_id=peer.id if kind is PacsKind.C_MOVE else None)
            return Asking(cast, sessions, own, hall.receiver._sandbox, draft.id, kept)

        yield asking


def slices(cast: Cast, count: int, **values: str) -> list[bytes]:
    own = {"StudyInstanceUID": generate_uid(), "SeriesInstanceUID": generate_uid(), "AccessionNumber": "A17"}
    return [slice_of(cast, InstanceNumber=number, **own | values) for number in range(count)]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_study_is_found_fetched_and_fetched_again(hospital: Orthanc, set_up: SetUp, kind: PacsKind) -> None:
    asking = await set_up(kind)
    await hospital.hold(*slices(asking.cast, 12))
    await hospital.hold(*slices(asking.cast, 1, PatientID="another", StudyDate="20260302"))
    await ask_whether_it_is_there(asking.pacs, asking.settings)
    (found,) = (await asking.search()).studies
    assert (found.images, found.modalities, found.day) == (12, ("CT",), "20260301")
    assert found.patient_name == "Bélanger^Rose"
    fetch = await asking.fetch(found)
    assert (fetch.status, fetch.expected, fetch.arrived, fetch.refused) == (FetchStatus.DONE, 12, 12, 0)
    (study,) = await asking.studies()
    assert (study.service_request_id, study.patient_id) == (asking.consult_id, asking.cast.patient.id)
    assert (study.number_of_instances, study.identity_differs) == (12, False)
    again = await asking.fetch(found)
    assert (again.status, again.arrived, again.refused) == (FetchStatus.DONE, 12, 0)
    assert [one.number_of_instances for one in await asking.studies()] == [12]
    assert asking.left_behind() == []


@pytest.mark.parametrize("kind", KINDS)
async def test_images_come_as_they_are_stored(hospital: Orthanc, set_up: SetUp, kind: PacsKind) -> None:
    """A slice in JPEG 2000 is not decompressed on its way."""
    asking = await set_up(kind)
    await hospital.hold(HEAD.read_bytes())
    (told,) = await hospital.ask("GET", "/studies?expand")
    number = told["PatientMainDicomTags"]["PatientID"]
    async with transaction(asking.sessions) as session:
        patient = await session.get_one(type(asking.cast.patient), asking.cast.patient.id)
        patient.local_number = number
    (found,) = (await asking.search(number=number)).studies
    fetch = await asking.fetch(found, is_confirmed=True)
    assert (fetch.status, fetch.arrived) == (FetchStatus.DONE, 1)
    async with transaction(asking.sessions) as session:
        (syntax,) = await session.scalars(select(ImagingInstance.transfer_syntax_uid))
    assert syntax == "1.2.840.10008.1.2.4.90"
    (study,) = await asking.studies()
    assert study.identity_differs, "the name is another one: the requester still has to say that it is right"


@pytest.mark.parametrize("kind", KINDS)
async def test_what_is_here_already_is_not_asked_for_again(hospital: Orthanc, set_up: SetUp, kind: PacsKind) -> None:
    """A worker died in the middle, or more was made since: the rest is fetched."""
    asking = await set_up(kind)
    images = slices(asking.cast, 6)
    await hospital.hold(*images[:2])
    (found,) = (await asking.search()).studies
    await asking.fetch(found)
    await hospital.hold(*images[2:])
    fetch = await asking.fetch(found)
    assert (fetch.status, fetch.arrived, fetch.expected) == (FetchStatus.DONE, 6, 6)
    assert [one.number_of_instances for one in await asking.studies()] == [6]


@pytest.mark.parametrize("kind", KINDS)
async def test_an_accession_number_finds_another_patient_and_says_so(
    hospital: Orthanc, set_up: SetUp, kind: PacsKind
) -> None:
    asking = await set_up(kind)
    await hospital.hold(*slices(asking.cast, 2, PatientID="77", PatientName="Lavoie^Luc", PatientBirthDate="19500101"))
    (found,) = (await asking.search(accession="A17")).studies
    told = found.differences(asking.cast.patient, numbers=[asking.cast.patient.local_number])
    assert [one.value for one in told] == ["name", "birth-date", "number"]
    fetch = await asking.fetch(found, is_confirmed=True)
    assert fetch.status is FetchStatus.DONE
    (study,) = await asking.studies()
    assert study.identity_differs
    assert study.reconciled_at is None


@pytest.mark.parametrize("kind", KINDS)
async def test_nothing_there_and_gone_since(hospital: Orthanc, set_up: SetUp, kind: PacsKind) -> None:
    asking = await set_up(kind)
    assert (await asking.search()).studies == ()
    await hospital.hold(*slices(asking.cast, 1))
    (found,) = (await asking.search()).studies
    await hospital.empty()
    await hospital.know("teleconsult")
    fetch = await asking.fetch(found)
    assert (fetch.status, fetch.fault) == (FetchStatus.FAILED, Fault.GONE)


async def test_a_title_it_does_not_know(hospital: Orthanc, set_up: SetUp) -> None:
    asking = await set_up(PacsKind.C_GET)
    for field, fault in (("calling_title", Fault.UNKNOWN_CALLER), ("ae_title", Fault.UNKNOWN_CALLED)):
        async with transaction(asking.sessions) as session:
            wrong = await session.get_one(type(asking.pacs), asking.pacs.id)
            session.expunge(wrong)
        setattr(wrong, field, "ELSEWHERE")
        with pytest.raises(PacsFault) as raised:
            await ask_whether_it_is_there(wrong, asking.settings)
        assert raised.value.fault is fault


async def test_moved_images_that_nobody_asked_for_take_the_usual_way(hospital: Orthanc, set_up: SetUp) -> None:
    """What the archive sends by itself is filed by its number, not with a request."""
    asking = await set_up(PacsKind.C_MOVE)
    await hospital.hold(*slices(asking.cast, 2))
    (found,) = await hospital.ask("GET", "/studies")
    await hospital.ask("POST", "/modalities/teleconsult/store", {"Resources": [found], "Synchronous": True})
    (study,) = await asking.studies()
    assert (study.service_request_id, study.patient_id) == (None, asking.cast.patient.id)
    (told,) = (await asking.search()).studies
    fetch = await asking.fetch(told)
    assert (fetch.status, fetch.arrived) == (FetchStatus.DONE, 2)
    (study,) = await asking.studies()
    assert study.service_request_id == asking.consult_id, "it is the patient's, and is brought to the request now"


async def test_many_at_the_same_time_are_not_mixed_up(hospital: Orthanc, set_up: SetUp) -> None:
    asking = await set_up(PacsKind.C_MOVE)
    for count in (3, 4):
        await hospital.hold(*slices(asking.cast, count))
    found = (await asking.search()).studies
    asked = [await asking.ask(study) for study in found]
    done = await asyncio.gather(*(asking.work(one) for one in asked))
    assert sorted(one.arrived for one in done) == [3, 4]
    assert {one.status for one in done} == {FetchStatus.DONE}
