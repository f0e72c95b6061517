"""STOW-RS: what is taken from whom, where it lands, and what each sender is told."""

from datetime import date

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from pydicom.uid import generate_uid
from sqlalchemy import select

from teleconsult.audit.models import AuditEvent
from teleconsult.db import Sessions, transaction
from teleconsult.imaging.models import ImagingInstance, ImagingStudy
from teleconsult.records.models import Origin, RecordEntry
from teleconsult.settings import Settings
from tests.conftest import SignIn
from tests.people import Cast
from tests.stow_steps import BOUNDARY, failures, parts, send, send_body, slice_of, stored
from tests.system_steps import let_in, system_program
from tests.teleconsult.imaging.files import dicom_bytes, hostile_files
from tests.web.fhir_client import Program, program
from tests.web.test_hostile_requests import cookie_of
from web.csrf import HEADER, token_for
from web.requests import OBJECTS

Client = TestClient[web.Request, web.Application]
STUDY = "1.2.826.0.1.3680043.8.498.77"


@pytest.fixture
async def scanner(client: Client, settings: Settings, sessions: Sessions, cast: Cast) -> Program:
    """The modality of the rural health centre."""
    system = await let_in(sessions, cast.rural.organization_id, scope="system/ImagingStudy.c", name="Scanner 1")
    return await system_program(client, settings, system, scope="system/ImagingStudy.c")


@pytest.fixture
async def doctor(client: Client, sessions: Sessions, cast: Cast) -> Program:
    return await program(client, sessions, cast.rural)


async def studies(sessions: Sessions) -> list[ImagingStudy]:
    async with transaction(sessions) as session:
        return list(await session.scalars(select(ImagingStudy).order_by(ImagingStudy.created_at)))


async def instances(sessions: Sessions) -> list[ImagingInstance]:
    async with transaction(sessions) as session:
        return list(await session.scalars(select(ImagingInstance)))


async def entries(sessions: Sessions) -> list[RecordEntry]:
    async with transaction(sessions) as session:
        return list(await session.scalars(select(RecordEntry).where(RecordEntry.resource_type == "ImagingStudy")))


async def test_a_system_s_images_are_filed_with_the_patient_they_name(
    scanner: Program, cast: Cast, sessions: Sessions, client: Client
) -> None:
    sent = [slice_of(cast, StudyInstanceUID=STUDY, InstanceNumber=number) for number in range(3)]
    answer, told = await send(scanner, *sent)
    assert (answer.status, answer.content_type) == (200, "application/dicom+json"), told
    assert len(stored(told)) == 3
    assert told["00081190"]["Value"][0].endswith(f"/dicomweb/studies/{STUDY}")
    (first, *_rest) = told["00081199"]["Value"]
    assert first["00081190"]["Value"][0].startswith("http://127.0.0.1")
    assert first["00081190"]["Value"][0].endswith(f"/instances/{first['00081155']['Value'][0]}")
    (study,) = await studies(sessions)
    assert (study.patient_id, study.organization_id) == (cast.patient.id, cast.rural.organization_id)
    (entry,) = await entries(sessions)
    assert (entry.patient_id, entry.source_id, entry.resource["numberOfInstances"]) == (cast.patient.id, study.id, 3)
    assert (entry.origin, entry.source, entry.author_name) == (Origin.DICOM, "Scanner 1", "Scanner 1")
    kept = {await client.app[OBJECTS].get(one.object_key) for one in await instances(sessions)}
    assert kept == set(sent), "byte for byte"


async def test_a_doctor_s_program_sends_under_the_doctor_s_name(
    doctor: Program, cast: Cast, sessions: Sessions
) -> None:
    answer, _told = await send(doctor, slice_of(cast))
    assert answer.status == 200
    (study,) = await studies(sessions)
    assert (study.patient_id, study.source) == (cast.patient.id, cast.rural.name)
    async with transaction(sessions) as session:
        event = (await session.scalars(select(AuditEvent).where(AuditEvent.action == "images-stored"))).one()
    assert (event.account_id, event.patient_id, event.detail) == (
        cast.rural.account_id,
        cast.patient.id,
        {"instances": 1},
    )


@pytest.mark.parametrize(
    "values",
    [
        {"PatientID": "nobody-s"},
        {"PatientID": ""},
        {"PatientName": "Roy^Aline"},
        {"PatientName": ""},
        {"PatientBirthDate": "19010101"},
        {"IssuerOfPatientID": "Another hospital"},
    ],
    ids=str,
)
async def test_whoever_is_not_surely_the_patient_waits(
    scanner: Program, cast: Cast, sessions: Sessions, values: dict[str, str]
) -> None:
    answer, told = await send(scanner, slice_of(cast, **values))
    assert answer.status == 200, told
    (study,) = await studies(sessions)
    assert study.patient_id is None
    assert not await entries(sessions)


async def test_a_birth_date_that_is_left_out_says_nothing(scanner: Program, cast: Cast, sessions: Sessions) -> None:
    await send(scanner, slice_of(cast, PatientBirthDate=""))
    (study,) = await studies(sessions)
    assert (study.patient_id, study.header_birth_date) == (cast.patient.id, None)


async def test_what_waits_keeps_what_the_images_say(scanner: Program, cast: Cast, sessions: Sessions) -> None:
    said = {"PatientID": "A-7", "PatientName": "Roy^Aline", "PatientBirthDate": "19600229", "IssuerOfPatientID": "CHU"}
    await send(scanner, slice_of(cast, **said))
    (study,) = await studies(sessions)
    assert (study.header_patient_id, study.header_patient_name, study.header_issuer) == ("A-7", "Roy^Aline", "CHU")
    assert (study.header_birth_date, study.source) == (date(1960, 2, 29), "Scanner 1")


async def test_the_number_of_another_establishment_s_patient_names_nobody(
    client: Client, settings: Settings, cast: Cast, sessions: Sessions
) -> None:
    system = await let_in(sessions, cast.stranger.organization_id, scope="system/ImagingStudy.c")
    elsewhere = await system_program(client, settings, system, scope="system/ImagingStudy.c")
    assert (await send(elsewhere, slice_of(cast)))[0].status == 200
    (study,) = await studies(sessions)
    assert (study.patient_id, study.organization_id) == (None, cast.stranger.organization_id)


async def test_two_establishments_hold_one_uid_and_neither_learns_of_it(
    scanner: Program, client: Client, settings: Settings, cast: Cast, sessions: Sessions
) -> None:
    same = {"SOPInstanceUID": generate_uid(), "StudyInstanceUID": STUDY}
    assert (await send(scanner, slice_of(cast, **same)))[0].status == 200
    system = await let_in(sessions, cast.stranger.organization_id, scope="system/ImagingStudy.c")
    elsewhere = await system_program(client, settings, system, scope="system/ImagingStudy.c")
    answer, told = await send(elsewhere, slice_of(cast, shade=3, **same))
    assert (answer.status, len(stored(told))) == (200, 1)
    assert len(await studies(sessions)) == 2


async def test_the_same_again_is_fine_and_changes_nothing(
    scanner: Program, cast: Cast, sessions: Sessions, settings: Settings
) -> None:
    sent = slice_of(cast, StudyInstanceUID=STUDY)
    first, second = await send(scanner, sent), await send(scanner, sent, sent)
    assert (first[0].status, second[0].status) == (200, 200)
    assert stored(second[1]) == stored(first[1]) * 2
    assert len(await instances(sessions)) == 1
    assert sum(path.is_file() for path in (settings.data / "objects").rglob("*")) == 1
    (entry,) = await entries(sessions)
    assert entry.version == 1


async def test_other_bytes_under_a_known_uid_are_refused_and_the_first_unharmed(
    scanner: Program, cast: Cast, sessions: Sessions, client: Client
) -> None:
    uids = {"SOPInstanceUID": generate_uid(), "StudyInstanceUID": STUDY}
    first = slice_of(cast, **uids)
    await send(scanner, first)
    answer, told = await send(scanner, slice_of(cast, shade=9, **uids), slice_of(cast, StudyInstanceUID=STUDY))
    assert (answer.status, failures(told), len(stored(told))) == (202, [0x0111], 1)
    assert told["00081198"]["Value"][0]["00081155"]["Value"] == [uids["SOPInstanceUID"]]
    kept = [one for one in await instances(sessions) if one.sop_instance_uid == uids["SOPInstanceUID"]]
    assert await client.app[OBJECTS].get(kept[0].object_key) == first
    answer, _told = await send(scanner, slice_of(cast, shade=9, **uids))
    assert answer.status == 409, "none was stored"


async def test_an_image_of_another_patient_does_not_slip_into_a_study(
    scanner: Program, cast: Cast, sessions: Sessions
) -> None:
    await send(scanner, slice_of(cast, StudyInstanceUID=STUDY))
    answer, told = await send(scanner, slice_of(cast, StudyInstanceUID=STUDY, PatientName="Roy^Aline"))
    assert (answer.status, failures(told)) == (409, [0xC001])
    waiting = {"StudyInstanceUID": f"{STUDY}.1", "PatientID": "A-7"}
    await send(scanner, slice_of(cast, **waiting))
    answer, _told = await send(scanner, slice_of(cast, StudyInstanceUID=f"{STUDY}.1", PatientID="A-8"))
    assert answer.status == 409
    assert (await send(scanner, slice_of(cast, **waiting)))[0].status == 200
    assert len(await instances(sessions)) == 3


async def test_below_a_study_only_its_own_instances_are_taken(scanner: Program, cast: Cast, sessions: Sessions) -> None:
    own, other = slice_of(cast, StudyInstanceUID=STUDY), slice_of(cast, StudyInstanceUID=f"{STUDY}.1")
    answer, told = await send(scanner, own, other, path=f"/dicomweb/studies/{STUDY}")
    assert (answer.status, failures(told), len(stored(told))) == (202, [0xA900], 1)
    assert [study.study_instance_uid for study in await studies(sessions)] == [STUDY]


async def test_more_than_a_lot_arrives_in_one_body(scanner: Program, cast: Cast, sessions: Sessions) -> None:
    sent = [slice_of(cast, StudyInstanceUID=STUDY, InstanceNumber=number) for number in range(60)]
    answer, told = await send(scanner, *sent)
    assert (answer.status, len(stored(told))) == (200, 60)
    (entry,) = await entries(sessions)
    assert entry.resource["numberOfInstances"] == 60


async def test_what_harms_is_refused_and_the_rest_arrives(scanner: Program, cast: Cast, settings: Settings) -> None:
    hostile = [content for name, content in hostile_files().items() if name in ("nested sequences", "length of 4 GiB")]
    answer, told = await send(scanner, *hostile, b"no image", b"", slice_of(cast))
    assert (answer.status, len(failures(told)), len(stored(told))) == (202, 4, 1)
    assert "00081198" not in told, "nobody can tell which objects these were"
    assert not list((settings.data / "tmp").rglob("*"))


async def test_what_was_cut_off_comes_again_whole(scanner: Program, cast: Cast, sessions: Sessions) -> None:
    whole = slice_of(cast)
    answer, told = await send(scanner, whole[:-100])
    assert (answer.status, failures(told)) == (409, [0xC000])
    assert not await studies(sessions)
    answer, told = await send(scanner, whole)
    assert (answer.status, len(stored(told))) == (200, 1)


@pytest.mark.parametrize(
    ("who", "status"), [("rural", 200), ("nurse", 404), ("secretary", 404), ("specialist", 404), ("admin", 404)]
)
async def test_only_doctors_and_systems_send(
    client: Client, sessions: Sessions, cast: Cast, who: str, status: int
) -> None:
    answer, _told = await send(await program(client, sessions, getattr(cast, who)), slice_of(cast))
    assert answer.status == status
    assert len(await studies(sessions)) == (status == 200)


async def test_nobody_sends_nothing(client: Client, cast: Cast, sessions: Sessions) -> None:
    answer, _told = await send(Program(client, ""), slice_of(cast))
    assert answer.status == 401
    assert not await studies(sessions)


async def test_a_session_needs_the_token_of_its_pages(
    client: Client, cast: Cast, sessions: Sessions, settings: Settings, signed_in: SignIn
) -> None:
    await signed_in("rural")
    answer, _told = await send(Program(client, ""), slice_of(cast))
    assert answer.status == 403
    assert not await studies(sessions)
    token = {HEADER: token_for(settings, cookie_of(client))}
    answer, _told = await send(Program(client, ""), slice_of(cast), headers=token)
    assert answer.status == 200


async def test_a_system_needs_the_scope(client: Client, settings: Settings, sessions: Sessions, cast: Cast) -> None:
    system = await let_in(sessions, cast.rural.organization_id, scope="system/ImagingStudy.rs")
    reader = await system_program(client, settings, system, scope="system/ImagingStudy.rs")
    answer, told = await send(reader, slice_of(cast))
    assert (answer.status, told["error"]) == (403, "This needs the scope system/ImagingStudy.c.")


@pytest.mark.parametrize(
    "content_type",
    [
        "application/dicom",
        "multipart/form-data; boundary=a-boundary",
        'multipart/related; type="application/dicom+xml"; boundary=a-boundary',
        "text/plain",
        "",
    ],
)
async def test_what_is_not_taken_is_said_with_what_is(doctor: Program, content_type: str, cast: Cast) -> None:
    answer, told = await send(doctor, slice_of(cast), headers={"Content-Type": content_type})
    assert answer.status == 415
    media = 'multipart/related; type="application/dicom"', 'multipart/related; type="application/dicom+json"'
    assert told["error"] == f"Only {', '.join(media)} is taken here."


async def test_who_wants_only_xml_is_told_before_sending(doctor: Program, cast: Cast, sessions: Sessions) -> None:
    answer, told = await send(doctor, slice_of(cast), headers={"Accept": "application/dicom+xml"})
    assert (answer.status, told["error"]) == (406, "The answer is application/dicom+json, and nothing else.")
    answer, _told = await send(doctor, slice_of(cast), headers={"Accept": "application/dicom+xml, */*;q=0.1"})
    assert answer.status == 200
    assert len(await instances(sessions)) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no boundary at all",
        f"--{BOUNDARY}--\r\n".encode(),
        parts([b"x"], end=False),
        f"--{BOUNDARY}and more\r\n\r\nx\r\n--{BOUNDARY}--".encode(),
        f"--{BOUNDARY}\r\nno colon\r\n\r\nx\r\n--{BOUNDARY}--".encode(),
        f"--{BOUNDARY}\r\nX: {'y' * 100_000}".encode(),
        f"--{BOUNDARY}\r\n".encode() + b"X: y\r\n" * 20_000,
    ],
    ids=["empty", "no boundary", "no part", "no end", "longer boundary", "no field", "endless field", "endless head"],
)
async def test_a_broken_body_is_a_400(doctor: Program, body: bytes, settings: Settings, sessions: Sessions) -> None:
    answer, _told = await send_body(doctor, body)
    assert answer.status == 400
    assert not list((settings.data / "tmp").rglob("*"))
    assert not await instances(sessions)


@pytest.mark.parametrize("boundary", ["", "b" * 201, "é"])
async def test_no_boundary_is_a_400(doctor: Program, boundary: str, cast: Cast) -> None:
    kind = f'multipart/related; type="application/dicom"; boundary="{boundary}"'
    answer, _told = await send(doctor, slice_of(cast), headers={"Content-Type": kind})
    assert answer.status == 400


async def test_parts_of_another_kind_are_left_out(doctor: Program, cast: Cast) -> None:
    body = parts([slice_of(cast)], end=False) + parts([b"<html>"], media="text/html")
    answer, told = await send_body(doctor, body)
    assert (answer.status, failures(told), len(stored(told))) == (202, [0xC000], 1)


async def test_two_studies_in_one_body(doctor: Program, cast: Cast) -> None:
    answer, told = await send(doctor, slice_of(cast), dicom_bytes())
    assert (answer.status, len(stored(told))) == (200, 2)
    assert "00081190" not in told, "there is no one study to lead to"


@pytest.mark.parametrize("left_out", ["StudyInstanceUID", "SeriesInstanceUID"])
async def test_who_names_no_study_is_warned_under_which_uids_it_is_found(
    doctor: Program, cast: Cast, left_out: str
) -> None:
    """Warning Reason B000 (PS3.18 Table I.2-2), and 202: it is here, but was given UIDs; the same again too."""
    named, unnamed = slice_of(cast), slice_of(cast, **{left_out: ""})
    for _twice in range(2):
        answer, told = await send(doctor, named, unnamed)
        assert answer.status == 202
        assert failures(told) == []
        first, second = told["00081199"]["Value"]
        assert ("00081196" in first, second["00081196"]["Value"]) == (False, [0xB000])
        assert "/2.25." in second["00081190"]["Value"][0]
