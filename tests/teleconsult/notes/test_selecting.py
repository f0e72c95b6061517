"""The key images of a signed note, named within their study: by the worker, once, beside what is there already."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, replace
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from highdicom.ko import KeyObjectSelectionDocument
from sqlalchemy import func, select, text, update

from teleconsult.accounts.stepping_up import Proof
from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.imaging.models import ImagingInstance, ImagingSeries, ImagingStudy
from teleconsult.notes.composing import compose
from teleconsult.notes.content import KeyImage
from teleconsult.notes.drafting import open_note
from teleconsult.notes.models import Composition
from teleconsult.notes.selecting import write_selections
from teleconsult.notes.signing import Signing, show_to_sign, sign_note
from tests import consult_steps, mailbox, note_steps
from tests.people import PASSWORD, Cast
from tests.teleconsult.imaging.files import dicom_bytes
from tests.teleconsult.imaging.steps import Door, door

STUDY, SERIES = "1.2.840.1", "1.2.840.1.1"


@dataclass(frozen=True, slots=True)
class Signed:
    """A signed note that rests on two images."""

    note: Composition
    door: Door


@pytest.fixture
async def signed(cast: Cast, signing: Signing) -> AsyncIterator[Signed]:
    consult = await consult_steps.accepted(cast, signing.sessions)
    Path(signing.settings.data).mkdir(parents=True, exist_ok=True)
    images = [
        dicom_bytes(StudyInstanceUID=STUDY, SeriesInstanceUID=SERIES, SOPInstanceUID=f"{SERIES}.{number}")
        for number in (12, 13)
    ]
    async with door(signing.sessions, signing.settings.data) as opened:
        await opened.bring(cast.rural, consult.id, *images)
        async with transaction(signing.sessions) as session:
            note = await open_note(session, cast.specialist, consult_id=consult.id)
            note.sections = note.sections | {"opinion": note_steps.OPINION}
            note.key_images = [asdict(image) for image in chosen()]
        read = [image["id"] for image in note.key_images]
        proof = Proof(password=PASSWORD)
        shown = (await show_to_sign(signing, cast.specialist, note_id=note.id)).digest
        note = await sign_note(
            signing,
            cast.specialist,
            note_id=note.id,
            version=1,
            proof=proof,
            address="192.0.2.1",
            key_images=read,
            shown=shown,
        )
        yield Signed(note, opened)


def chosen() -> list[KeyImage]:
    """The second image twice, under two windows; one that is no longer there; a report that never was."""
    images = [note_steps.key_image(number) for number in (13, 12, 99)]
    return [*images, replace(images[0], id=str(uuid.uuid4()), window=("40", "80"))]


async def documents(sessions: Sessions, opened: Door) -> list[pydicom.Dataset]:
    async with transaction(sessions) as session:
        keys = await session.scalars(
            select(ImagingInstance.object_key)
            .join(ImagingSeries, ImagingSeries.id == ImagingInstance.imaging_series_id)
            .where(ImagingSeries.modality == "KO")
            .order_by(ImagingInstance.created_at)
        )
    return [pydicom.dcmread(BytesIO(await opened.objects.get(key))) for key in keys]


async def test_the_worker_names_them_in_their_study(cast: Cast, signing: Signing, signed: Signed) -> None:
    assert await documents(signing.sessions, signed.door) == [], "nobody waited for it"
    await mailbox.work(signing.settings, signing.sessions)
    (ds,) = await documents(signing.sessions, signed.door)
    assert (ds.StudyInstanceUID, str(ds.PatientName), ds.SeriesDescription) == (STUDY, "Bélanger^Rose", "Key images")
    assert ds.SeriesInstanceUID != SERIES
    references = KeyObjectSelectionDocument.from_dataset(ds).content.get_references()
    assert [one.referenced_sop_instance_uid for one in references] == [f"{SERIES}.13", f"{SERIES}.12"]
    told = [item.get("TextValue", "") for item in ds.ContentSequence]
    assert any(str(signed.note.id) in words for words in told)
    async with transaction(signing.sessions) as session:
        study = await session.scalar(select(ImagingStudy))
        assert study is not None
        assert (study.modalities, study.number_of_series, study.number_of_instances) == (["CT", "KO"], 2, 3)
        written = select(func.count()).where(AuditEvent.action == "key-objects-written")
        assert await session.scalar(written) == 1


async def test_what_names_images_is_not_counted_among_them(cast: Cast, signing: Signing, signed: Signed) -> None:
    await mailbox.work(signing.settings, signing.sessions)
    async with transaction(signing.sessions) as session:
        note = await session.get_one(Composition, signed.note.id)
        (shared,) = (await compose(session, note, at=now(), verify_at="https://here.test/verify")).images
    assert (shared.study_uid, shared.modality, shared.images) == (STUDY, "CT", 2)


async def test_twice_is_once_and_another_note_makes_another(cast: Cast, signing: Signing, signed: Signed) -> None:
    receiver = signed.door.receiver
    assert await write_selections(signing.sessions, receiver, note_id=signed.note.id) == 1
    assert await write_selections(signing.sessions, receiver, note_id=signed.note.id) == 0
    (first,) = await documents(signing.sessions, signed.door)
    other = uuid.uuid4()
    async with transaction(signing.sessions) as session:
        kept = await session.get_one(Composition, signed.note.id)
        columns = {column.key: getattr(kept, column.key) for column in Composition.__table__.columns}
        own = {"id": other, "set_id": other, "document_oid": f"2.25.{other.int}", "verify_code": None}
        session.add(Composition(**columns | own | {"key_images": kept.key_images[:1]}))
    assert await write_selections(signing.sessions, receiver, note_id=other) == 1
    before, after = await documents(signing.sessions, signed.door)
    assert before == first
    assert after.SOPInstanceUID != first.SOPInstanceUID


async def test_where_no_image_is_left_there_is_nothing_to_name(cast: Cast, signing: Signing, signed: Signed) -> None:
    async with transaction(signing.sessions) as session:
        await session.execute(update(ImagingStudy).values(study_instance_uid="1.2.840.2"))
    assert await write_selections(signing.sessions, signed.door.receiver, note_id=signed.note.id) == 0
    assert await documents(signing.sessions, signed.door) == []


async def test_a_note_without_images_asks_for_nothing(cast: Cast, signing: Signing) -> None:
    signed = await note_steps.signed(cast, signing)
    async with transaction(signing.sessions) as session:
        asked = "select count(*) from procrastinate_jobs where task_name = 'write_key_objects'"
        assert await session.scalar(text(asked)) == 0
    async with door(signing.sessions, signing.settings.data) as opened:
        assert await write_selections(signing.sessions, opened.receiver, note_id=signed.note.id) == 0
