"""What the specialist will see, before it is sent: made as it is frozen, and not kept."""

import dataclasses

import pytest
from sqlalchemy import func, select, update

from teleconsult.clock import now
from teleconsult.consults.drafting import Request, save_draft
from teleconsult.consults.queries import consult_for
from teleconsult.consults.requesting import submit_request
from teleconsult.db import Sessions, transaction
from teleconsult.errors import Forbidden, Invalid, Refused
from teleconsult.excerpts.models import Excerpt, ExcerptItem
from teleconsult.excerpts.previewing import preview_excerpt
from teleconsult.excerpts.queries import excerpt_for
from teleconsult.imaging.models import ImagingStudy
from teleconsult.records.models import EntryStatus, RecordEntry
from tests import consult_steps
from tests.people import Cast


async def test_it_is_what_will_be_frozen(cast: Cast, sessions: Sessions) -> None:
    entries = [(await consult_steps.entry(cast, sessions, title)).id for title in ("Headache", "Seizure")]
    await consult_steps.entry(cast, sessions, "Gout")
    draft = await consult_steps.drafted(cast, sessions)
    async with transaction(sessions) as session:
        study = ImagingStudy(
            organization_id=cast.patient.organization_id,
            patient_id=cast.patient.id,
            service_request_id=draft.id,
            study_instance_uid="1.2.3",
            created_at=now(),
        )
        session.add(study)
        await save_draft(session, cast.rural, consult_id=draft.id, version=1, request=Request(entries=tuple(entries)))
    async with transaction(sessions, cast.rural) as session:
        found = await consult_for(session, cast.rural, draft.id)
        shown = await preview_excerpt(session, cast.rural, draft=found)
    async with transaction(sessions) as session:
        assert await session.scalar(select(func.count()).select_from(Excerpt)) == 0
        assert await session.scalar(select(func.count()).select_from(ExcerptItem)) == 0
    async with transaction(sessions, cast.rural) as session:
        await submit_request(session, cast.rural, consult_id=draft.id, request=consult_steps.request(cast, entries))
    async with transaction(sessions, cast.specialist) as session:
        frozen = await excerpt_for(session, cast.specialist, draft.id)
    assert shown.excerpt.digest == frozen.digest
    assert [item.title for item in shown.excerpt.items] == [item.title for item in frozen.items]
    assert [one.study_instance_uid for one in shown.studies] == ["1.2.3"]


async def test_an_untouched_draft_shows_what_is_suggested(cast: Cast, sessions: Sessions) -> None:
    await consult_steps.entry(cast, sessions)
    draft = await consult_steps.drafted(cast, sessions)
    async with transaction(sessions) as session:
        found = await consult_for(session, cast.rural, draft.id)
        shown = await preview_excerpt(session, cast.rural, draft=found)
    assert [item.title for item in shown.excerpt.items] == ["Headache"]


async def test_only_of_a_draft_and_for_who_writes_it(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    for who, error in ((cast.rural, Refused), (cast.specialist, Forbidden), (cast.coordinator, Forbidden)):
        async with transaction(sessions) as session:
            found = await consult_for(session, who, consult.id)
            with pytest.raises(error):
                await preview_excerpt(session, who, draft=found)


async def test_an_entry_that_fell_out_of_the_file_is_named(cast: Cast, sessions: Sessions) -> None:
    entry = await consult_steps.entry(cast, sessions)
    draft = await consult_steps.drafted(cast, sessions)
    request = dataclasses.replace(consult_steps.request(cast, [entry.id]))
    async with transaction(sessions) as session:
        await save_draft(session, cast.rural, consult_id=draft.id, version=1, request=request)
        wrong = {"status": EntryStatus.ENTERED_IN_ERROR, "version": 2}
        await session.execute(update(RecordEntry).values(**wrong))
    async with transaction(sessions) as session:
        found = await consult_for(session, cast.rural, draft.id)
        with pytest.raises(Invalid) as caught:
            await preview_excerpt(session, cast.rural, draft=found)
    assert set(caught.value.fields) == {"entries"}
