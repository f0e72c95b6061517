"""Freezing: a copy that no later change reaches."""

import hashlib

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import selectinload

from teleconsult.clock import now
from teleconsult.consults.requesting import submit_request
from teleconsult.db import Sessions, transaction
from teleconsult.errors import Invalid
from teleconsult.excerpts.freezing import digest_of
from teleconsult.excerpts.models import Excerpt, ExcerptItem, ExcerptStudy
from teleconsult.imaging.models import ImagingStudy
from teleconsult.records.models import EntryStatus, RecordEntry
from tests import consult_steps
from tests.people import Cast


async def frozen(sessions: Sessions) -> Excerpt:
    async with transaction(sessions) as session:
        excerpt = await session.scalar(select(Excerpt).options(selectinload(Excerpt.items)))
    assert excerpt is not None
    return excerpt


def study(cast: Cast, **fields: object) -> ImagingStudy:
    return ImagingStudy(
        organization_id=cast.patient.organization_id,
        patient_id=cast.patient.id,
        study_instance_uid="1.2.826.0.1",
        created_at=now(),
        **fields,
    )


async def test_the_copy_outlives_the_entry(cast: Cast, sessions: Sessions) -> None:
    entry = await consult_steps.entry(cast, sessions, "Papilloedema")
    await consult_steps.submitted(cast, sessions, [entry.id])
    async with transaction(sessions) as session:
        await session.execute(
            update(RecordEntry)
            .where(RecordEntry.id == entry.id)
            .values(title="Changed", status=EntryStatus.ENTERED_IN_ERROR, version=2)
        )
    excerpt = await frozen(sessions)
    [item] = excerpt.items
    assert (item.title, item.record_version) == ("Papilloedema", 1)
    assert item.resource["code"] == {"text": "Papilloedema"}
    assert item.organization_name == "Centre de santé de l’Anse"
    assert excerpt.patient["family"] == "Bélanger"
    assert excerpt.expires_at is None


async def test_the_digest_covers_everything(cast: Cast, sessions: Sessions) -> None:
    await consult_steps.submitted(cast, sessions)
    excerpt = await frozen(sessions)
    assert digest_of(excerpt.patient, excerpt.items) == excerpt.digest
    assert len(excerpt.digest) == hashlib.sha256().digest_size
    other = ExcerptItem(
        **{
            key: getattr(excerpt.items[0], key)
            for key in (
                "record_entry_id",
                "record_version",
                "author_name",
                "organization_name",
                "effective_at",
                "resource",
            )
        },
        title="Another",
    )
    assert digest_of(excerpt.patient, [other]) != excerpt.digest
    assert digest_of({**excerpt.patient, "given": "Rosa"}, excerpt.items) != excerpt.digest


@pytest.mark.parametrize(
    "statement",
    [
        "update excerpt_item set title = 'x'",
        "delete from excerpt_item",
        "update excerpt set digest = '\\x00'",
        "delete from excerpt",
    ],
)
async def test_the_database_refuses_a_change(cast: Cast, sessions: Sessions, statement: str) -> None:
    await consult_steps.submitted(cast, sessions)
    with pytest.raises(DatabaseError):
        async with transaction(sessions) as session:
            await session.execute(text(statement))


async def test_an_entry_in_error_cannot_be_shared(cast: Cast, sessions: Sessions) -> None:
    entry = await consult_steps.entry(cast, sessions)
    async with transaction(sessions) as session:
        await session.execute(
            update(RecordEntry).values(status=EntryStatus.ENTERED_IN_ERROR, version=RecordEntry.version + 1)
        )
    draft = await consult_steps.drafted(cast, sessions)
    async with transaction(sessions) as session:
        with pytest.raises(Invalid) as caught:
            await submit_request(
                session, cast.rural, consult_id=draft.id, request=consult_steps.request(cast, [entry.id])
            )
    assert set(caught.value.fields) == {"entries"}


async def test_studies_brought_in_are_shared(cast: Cast, sessions: Sessions) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    async with transaction(sessions) as session:
        brought = study(cast, service_request_id=draft.id)
        session.add(brought)
    async with transaction(sessions) as session:
        await submit_request(session, cast.rural, consult_id=draft.id, request=consult_steps.request(cast))
    async with transaction(sessions) as session:
        assert list(await session.scalars(select(ExcerptStudy.imaging_study_id))) == [brought.id]


async def test_images_under_another_name_are_shared_with_their_warning(cast: Cast, sessions: Sessions) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    async with transaction(sessions) as session:
        doubtful = study(cast, service_request_id=draft.id, identity_differs=True)
        session.add(doubtful)
    async with transaction(sessions) as session:
        await submit_request(session, cast.rural, consult_id=draft.id, request=consult_steps.request(cast))
        assert await session.scalar(select(ExcerptStudy.imaging_study_id)) == doubtful.id
        shared = await session.get_one(ImagingStudy, doubtful.id)
        assert (shared.identity_differs, shared.reconciled_at) == (True, None)
