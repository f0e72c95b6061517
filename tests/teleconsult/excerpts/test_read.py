"""Reading an excerpt: who may, until when, and that it is logged."""

import uuid
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.access import rows
from teleconsult.accounts.actor import Actor
from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.consents.models import Consent, ConsentStatus
from teleconsult.consults.requesting import submit_request
from teleconsult.consults.triage import cancel_consult
from teleconsult.db import Sessions, transaction
from teleconsult.errors import NotFound, Refused
from teleconsult.excerpts.adding import add_to_excerpt
from teleconsult.excerpts.models import Excerpt, ExcerptRead
from teleconsult.excerpts.queries import excerpt_for
from teleconsult.imaging.models import ImagingStudy
from tests import consult_steps
from tests.people import Cast


@pytest.mark.parametrize("who", ["rural", "specialist"])
async def test_a_reading_is_logged_and_audited(cast: Cast, sessions: Sessions, who: str) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    actor = getattr(cast, who)
    async with transaction(sessions) as session:
        excerpt = await excerpt_for(session, actor, consult.id)
        assert [item.title for item in excerpt.items] == ["Headache"]
    async with transaction(sessions) as session:
        assert list(await session.scalars(select(ExcerptRead.practitioner_role_id))) == [actor.role_id]
        assert await session.scalar(select(func.count()).where(AuditEvent.action == "excerpt-read")) == 1


async def test_a_page_that_looks_again_is_noted_once_a_version(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    more = await consult_steps.entry(cast, sessions, "Seizure")
    for expected in (1, 1):
        async with transaction(sessions, cast.specialist) as session:
            await excerpt_for(session, cast.specialist, consult.id, again=True)
            assert await session.scalar(select(func.count()).select_from(ExcerptRead)) == expected
    async with transaction(sessions, cast.rural) as session:
        await add_to_excerpt(session, cast.rural, consult_id=consult.id, entries=[more.id], version=1)
    async with transaction(sessions, cast.specialist) as session:
        await excerpt_for(session, cast.specialist, consult.id, again=True)
        assert await session.scalar(select(func.count()).select_from(ExcerptRead)) == 2


@pytest.mark.parametrize("who", ["colleague", "coordinator", "oncall", "admin", "stranger"])
async def test_nobody_else_reads_it(cast: Cast, sessions: Sessions, who: str) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    async with transaction(sessions) as session:
        with pytest.raises(NotFound):
            await excerpt_for(session, getattr(cast, who), consult.id)


async def test_a_draft_has_none(cast: Cast, sessions: Sessions) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    async with transaction(sessions) as session:
        with pytest.raises(NotFound):
            await excerpt_for(session, cast.rural, draft.id)


async def test_it_expires_for_the_specialist_alone(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.accepted(cast, sessions)
    async with transaction(sessions) as session:
        await session.execute(update(Excerpt).values(expires_at=now() - timedelta(seconds=1)))
    async with transaction(sessions) as session:
        with pytest.raises(Refused):
            await excerpt_for(session, cast.specialist, consult.id)
        assert await excerpt_for(session, cast.rural, consult.id)


async def test_it_ends_with_the_consent_and_with_the_consult(cast: Cast, sessions: Sessions) -> None:
    withdrawn = await consult_steps.accepted(cast, sessions)
    async with transaction(sessions) as session:
        await session.execute(update(Consent).values(status=ConsentStatus.INACTIVE, withdrawn_at=now()))
        with pytest.raises(Refused):
            await excerpt_for(session, cast.specialist, withdrawn.id)
    cancelled = await consult_steps.accepted(cast, sessions)
    async with transaction(sessions) as session:
        await cancel_consult(session, cast.rural, consult_id=cancelled.id, reason="Better")
    async with transaction(sessions) as session:
        with pytest.raises(Refused):
            await excerpt_for(session, cast.specialist, cancelled.id)


async def test_a_shared_study_is_read_through_the_consult(cast: Cast, sessions: Sessions) -> None:
    draft = await consult_steps.drafted(cast, sessions)
    async with transaction(sessions) as session:
        shared, other = (
            ImagingStudy(
                organization_id=cast.patient.organization_id,
                patient_id=cast.patient.id,
                service_request_id=consult_id,
                study_instance_uid=uid,
                created_at=now(),
            )
            for uid, consult_id in (("1.2.3", draft.id), ("1.2.4", None))
        )
        session.add_all([shared, other])
    async with transaction(sessions) as session:
        await submit_request(session, cast.rural, consult_id=draft.id, request=consult_steps.request(cast))
    async with transaction(sessions) as session:
        assert await studies_of(session, cast.specialist) == [shared.id]
        for who in (cast.oncall, cast.coordinator, cast.stranger):
            assert await studies_of(session, who) == []
        await session.execute(update(Excerpt).values(expires_at=now()))
        assert await studies_of(session, cast.specialist) == []


async def studies_of(session: AsyncSession, actor: Actor) -> list[uuid.UUID]:
    return list(await session.scalars(select(ImagingStudy.id).where(rows.studies(actor))))
