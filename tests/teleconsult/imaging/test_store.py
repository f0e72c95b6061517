"""Images are stored whole, once, under the right patient, or not at all."""

import asyncio
import hashlib
import zipfile
from collections.abc import AsyncIterator
from datetime import date
from io import BytesIO
from pathlib import Path

import pytest
from sqlalchemy import func, select

from teleconsult.audit.models import AuditEvent
from teleconsult.consults.drafting import start_draft
from teleconsult.consults.triage import cancel_consult
from teleconsult.db import Sessions, transaction
from teleconsult.errors import Forbidden, NotFound, Refused
from teleconsult.excerpts.models import ExcerptStudy
from teleconsult.imaging.models import ImagingInstance, ImagingSeries, ImagingStudy
from teleconsult.imaging.receiving import Receiver
from teleconsult.imaging.refusals import Refusal
from teleconsult.patients.models import AdministrativeGender
from teleconsult.patients.registering import Identity, register_patient
from teleconsult.records.models import Origin, RecordEntry
from tests import consult_steps
from tests.people import Cast
from tests.teleconsult.imaging.files import HEAD, REAL, dicom_bytes, hostile_files
from tests.teleconsult.imaging.steps import Door, door

STUDY, SERIES = "1.2.3.4", "1.2.3.4.1"


def slice_of(number: int, **values: object) -> bytes:
    plain = {"StudyInstanceUID": STUDY, "SeriesInstanceUID": SERIES, "SOPInstanceUID": f"1.2.3.4.1.{number}"}
    return dicom_bytes(**(plain | {"InstanceNumber": number} | values))


@pytest.fixture
async def bench(sessions: Sessions, tmp_path: Path) -> AsyncIterator[Door]:
    async with door(sessions, tmp_path) as opened:
        yield opened


async def test_a_series_is_stored_byte_for_byte(cast: Cast, sessions: Sessions, bench: Door) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    contents = [slice_of(number) for number in (1, 2, 3)]

    outcomes = await bench.bring(cast.rural, draft.id, *contents)

    assert [outcome.refusal for outcome in outcomes] == [None, None, None]
    async with transaction(sessions) as session:
        study = (await session.scalars(select(ImagingStudy))).one()
        series = (await session.scalars(select(ImagingSeries))).one()
        instances = (await session.scalars(select(ImagingInstance).order_by(ImagingInstance.number))).all()
    assert (study.description, study.modalities, study.identity_differs) == ("Tête sans contraste", ["CT"], False)
    assert study.started_at is not None
    assert study.started_at.isoformat() == "2026-03-01T14:15:00+00:00", "local time of the establishment"
    assert series.series_instance_uid == SERIES
    for instance, content in zip(instances, contents, strict=True):
        assert await bench.objects.get(instance.object_key) == content
        assert instance.sha256 == hashlib.sha256(content).digest()
        assert (instance.size, instance.frames, instance.window_width) == (len(content), 1, 80)


async def test_the_timeline_has_one_entry_a_study(cast: Cast, sessions: Sessions, bench: Door) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    await bench.bring(cast.rural, draft.id, slice_of(1))
    await bench.bring(cast.rural, draft.id, slice_of(2), slice_of(3))
    async with transaction(sessions) as session:
        entry = (await session.scalars(select(RecordEntry))).one()
        assert entry.origin is Origin.CONSULT
    assert (entry.title, entry.version) == ("CT – Tête sans contraste", 2)
    assert entry.resource["resourceType"] == "ImagingStudy"
    assert entry.resource["numberOfInstances"] == 3
    assert entry.resource["identifier"][0]["value"] == f"urn:oid:{STUDY}"


async def test_the_same_bytes_again_change_nothing(cast: Cast, sessions: Sessions, bench: Door) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    await bench.bring(cast.rural, draft.id, slice_of(1))
    (again, twin, twin_again) = await bench.bring(cast.rural, draft.id, slice_of(1), *[slice_of(2)] * 2)
    assert (again.refusal, again.object_key) == (None, None)
    assert twin.object_key
    assert (twin_again.refusal, twin_again.object_key) == (None, None)
    assert len(bench.stored_files()) == 2


async def test_other_bytes_under_a_known_uid_are_refused(cast: Cast, sessions: Sessions, bench: Door) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    await bench.bring(cast.rural, draft.id, slice_of(1))
    (outcome,) = await bench.bring(cast.rural, draft.id, slice_of(1, shade=5))
    assert outcome.refusal is Refusal.OTHER_BYTES
    (file,) = bench.stored_files()
    assert file.read_bytes() == slice_of(1), "the first is unharmed"


async def test_two_uploads_of_one_disc_at_once(cast: Cast, sessions: Sessions, bench: Door) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    disc = [slice_of(number) for number in range(1, 9)]
    await asyncio.gather(
        bench.bring(cast.rural, draft.id, *disc, name="a"), bench.bring(cast.rural, draft.id, *disc, name="b")
    )
    async with transaction(sessions) as session:
        assert await session.scalar(select(func.count()).select_from(ImagingInstance)) == 8
    assert len(bench.stored_files()) == 8


async def test_another_establishment_never_learns_of_a_uid(cast: Cast, sessions: Sessions, bench: Door) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    await bench.bring(cast.rural, draft.id, slice_of(1))
    async with transaction(sessions) as session:
        theirs = await consult_steps.start_draft(session, cast.stranger, patient_id=cast.strangers_patient.id)
    (outcome,) = await bench.bring(cast.stranger, theirs.id, slice_of(1, shade=5))
    assert outcome.object_key
    async with transaction(sessions) as session:
        assert await session.scalar(select(func.count()).select_from(ImagingStudy)) == 2


async def test_a_strange_name_waits_for_a_word(cast: Cast, sessions: Sessions, bench: Door) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    await bench.bring(cast.rural, draft.id, slice_of(1), slice_of(2, PatientName="Lavoie^Luc"))
    async with transaction(sessions) as session:
        study = (await session.scalars(select(ImagingStudy))).one()
        assert (study.identity_differs, study.header_patient_name) == (True, "Lavoie^Luc")
        assert await session.scalar(select(RecordEntry)) is None


async def test_an_image_without_a_name_waits_too(cast: Cast, sessions: Sessions, bench: Door) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    await bench.bring(cast.rural, draft.id, slice_of(1, PatientName=""))
    async with transaction(sessions) as session:
        assert (await session.scalars(select(ImagingStudy))).one().identity_differs


async def test_images_may_follow_and_are_shared(cast: Cast, sessions: Sessions, bench: Door) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    await bench.bring(cast.rural, consult.id, slice_of(1))
    await bench.bring(cast.rural, consult.id, slice_of(2))
    async with transaction(sessions) as session:
        assert await session.scalar(select(func.count()).select_from(ExcerptStudy)) == 1
        events = (await session.scalars(select(AuditEvent).where(AuditEvent.action == "images-stored"))).all()
    assert [event.detail["instances"] for event in events] == [1, 1]


@pytest.mark.parametrize(("who", "error"), [("colleague", NotFound), ("specialist", Forbidden), ("stranger", NotFound)])
async def test_only_the_requester_adds(
    cast: Cast, sessions: Sessions, bench: Door, who: str, error: type[Exception]
) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    with pytest.raises(error):
        await bench.bring(getattr(cast, who), consult.id, slice_of(1))
    assert bench.stored_files() == []


async def test_nothing_is_added_once_it_has_ended(cast: Cast, sessions: Sessions, bench: Door) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    async with transaction(sessions) as session:
        await cancel_consult(session, cast.rural, consult_id=consult.id, reason="transferred")
    with pytest.raises(Refused):
        await bench.bring(cast.rural, consult.id, slice_of(1))
    assert bench.stored_files() == [], "what was kept for it is gone again"


async def test_images_of_another_patient_are_not_moved(cast: Cast, sessions: Sessions, bench: Door) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    await bench.bring(cast.rural, draft.id, slice_of(1))
    identity = Identity(family="Gagné", given="Luc", gender=AdministrativeGender.MALE, birth_date=date(1980, 5, 2))
    async with transaction(sessions) as session:
        other = await register_patient(session, cast.rural, identity=identity)
        others_draft = await start_draft(session, cast.rural, patient_id=other.id)
    (outcome,) = await bench.bring(cast.rural, others_draft.id, slice_of(1))
    assert outcome.refusal is Refusal.OTHER_PATIENT
    async with transaction(sessions) as session:
        assert (await session.scalars(select(ImagingStudy.patient_id))).all() == [cast.patient.id]


async def test_images_of_an_earlier_consult_come_along(cast: Cast, sessions: Sessions, bench: Door) -> None:
    first = await consult_steps.submitted(cast, sessions)
    await bench.bring(cast.rural, first.id, slice_of(1))
    second = await consult_steps.drafted(cast, sessions)
    await bench.bring(cast.rural, second.id, slice_of(1))
    async with transaction(sessions) as session:
        assert (await session.scalars(select(ImagingStudy.service_request_id))).one() == second.id


async def test_a_disc_with_everything_on_it(cast: Cast, sessions: Sessions, bench: Door) -> None:
    """A ZIP with `../`, a DICOMDIR, a programme, a hostile file and two images: the images arrive."""
    draft = await consult_steps.drafted(cast, sessions)
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../../etc/passwd", b"root")
        archive.writestr("DICOMDIR", (REAL / "dicomdirtests" / "DICOMDIR").read_bytes())
        archive.writestr("VIEWER.EXE", b"MZ")
        archive.writestr("deep/inside.zip", b"PK\x03\x04")
        archive.writestr("bomb", hostile_files()["nested sequences"])
        archive.writestr("CT/IM1", slice_of(1))
        archive.writestr("CT/IM2", HEAD.read_bytes())
        archive.writestr("empty", b"")
    outcomes = {outcome.name: outcome for outcome in await bench.bring(cast.rural, draft.id, packed.getvalue())}
    assert {name for name, outcome in outcomes.items() if outcome.object_key} == {"IM1", "IM2"}
    assert outcomes["DICOMDIR"].refusal is Refusal.DIRECTORY
    assert outcomes["passwd"].refusal is Refusal.NOT_DICOM
    assert outcomes["inside.zip"].refusal is Refusal.NESTED_ARCHIVE
    assert outcomes["empty"].refusal is Refusal.EMPTY
    assert len(bench.stored_files()) == 2


async def test_many_small_archives_have_one_room_together(cast: Cast, sessions: Sessions, bench: Door) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    size = len(slice_of(1))
    bench.receiver = Receiver(
        sessions=sessions,
        objects=bench.objects,
        sandbox=bench.sandbox,
        file_limit=50_000_000,
        inflated_limit=2 * size + 100,
    )
    archives = []
    for number in range(4):
        packed = BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(f"IM{number}", slice_of(number))
        archives.append(packed.getvalue())
    outcomes = await bench.bring(cast.rural, draft.id, *archives)
    assert sorted(str(outcome.refusal) for outcome in outcomes) == ["None"] * 2 + [Refusal.ARCHIVE_BOMB] * 2
    assert len(bench.stored_files()) == 2


async def test_a_failure_leaves_nothing_behind(
    cast: Cast, sessions: Sessions, bench: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    put, calls = bench.objects.put, []

    async def full(key: str, content: bytes | Path) -> None:
        calls.append(key)
        if len(calls) == 3:
            raise OSError(28, "No space left on device")
        await put(key, content)

    monkeypatch.setattr(bench.objects, "put", full)
    with pytest.raises(OSError, match="No space"):
        await bench.bring(cast.rural, draft.id, *[slice_of(number) for number in range(1, 5)])
    assert bench.stored_files() == []
    async with transaction(sessions) as session:
        assert await session.scalar(select(func.count()).select_from(ImagingStudy)) == 0
