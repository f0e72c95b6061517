"""Sharing more with a consult under way: a new version, and the ones before it as they were."""

import asyncio
import uuid
from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DatabaseError

from teleconsult.accounts.actor import Actor
from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.consents.models import Consent, ConsentStatus
from teleconsult.consults.models import ServiceRequest
from teleconsult.consults.queries import consult_for
from teleconsult.consults.triage import cancel_consult
from teleconsult.db import Sessions, transaction
from teleconsult.errors import Conflict, Forbidden, Invalid, NotFound, Refused
from teleconsult.excerpts.adding import add_to_excerpt
from teleconsult.excerpts.freezing import digest_of
from teleconsult.excerpts.models import Excerpt, ExcerptRead, ExcerptStudy
from teleconsult.excerpts.queries import excerpt_for, readings_of, versions_of
from teleconsult.excerpts.revoking import let_expire, revoke_excerpt
from teleconsult.imaging.filing import share_study
from teleconsult.imaging.models import ImagingStudy
from teleconsult.imaging.queries import open_study, studies_of_consult
from teleconsult.patients.models import CareRelation
from teleconsult.records.actions import file_entry
from teleconsult.records.models import RecordEntry
from tests import consult_steps
from tests.people import Cast


async def add(
    sessions: Sessions,
    actor: Actor,
    consult: ServiceRequest,
    entries: Sequence[uuid.UUID],
    *,
    version: int | None = None,
) -> Excerpt:
    async with transaction(sessions, actor) as session:
        return await add_to_excerpt(session, actor, consult_id=consult.id, entries=entries, version=version)


async def read(sessions: Sessions, actor: Actor, consult: ServiceRequest, version: int | None = None) -> list[str]:
    """The titles of what they read."""
    async with transaction(sessions, actor) as session:
        return [item.title for item in (await excerpt_for(session, actor, consult.id, version=version)).items]


async def versions(sessions: Sessions, actor: Actor, consult: ServiceRequest) -> list[tuple[int, int]]:
    """Number and how many came with it, of each version that they may read."""
    async with transaction(sessions, actor) as session:
        return [(version.number, version.added) for version in await versions_of(session, actor, consult.id)]


async def treats(cast: Cast, sessions: Sessions, who: Actor) -> None:
    async with transaction(sessions) as session:
        session.add(
            CareRelation(
                patient_id=cast.patient.id, practitioner_role_id=who.role_id, reason="on call", started_at=now()
            )
        )


async def study_in_file(cast: Cast, sessions: Sessions) -> tuple[ImagingStudy, RecordEntry]:
    """A study that the file holds, brought in for no consult."""
    async with transaction(sessions) as session:
        study = ImagingStudy(
            id=uuid.uuid4(),
            organization_id=cast.patient.organization_id,
            patient_id=cast.patient.id,
            study_instance_uid=f"1.2.{uuid.uuid4().int % 10**9}",
            created_at=now(),
        )
        session.add(study)
        await session.flush()
        entry = await file_entry(
            session,
            cast.rural,
            patient_id=cast.patient.id,
            resource={"resourceType": "ImagingStudy"},
            title="CT",
            effective_at=now(),
            source_id=study.id,
        )
        return study, entry


async def test_the_next_version_has_what_was_shared_and_what_was_added(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    more = await consult_steps.entry(cast, sessions, "Seizure")
    excerpt = await add(sessions, cast.rural, consult, [more.id], version=1)
    assert (excerpt.version, digest_of(excerpt.patient, excerpt.items)) == (2, excerpt.digest)
    for who in (cast.rural, cast.specialist):
        assert await read(sessions, who, consult) == ["Seizure", "Headache"]
        assert await read(sessions, who, consult, version=1) == ["Headache"]
        assert await versions(sessions, who, consult) == [(2, 1), (1, 1)]
        with pytest.raises(NotFound):
            await read(sessions, who, consult, version=3)


async def test_what_was_shared_stays_as_it_was_frozen(cast: Cast, sessions: Sessions) -> None:
    entry = await consult_steps.entry(cast, sessions)
    consult = await consult_steps.submitted(cast, sessions, [entry.id])
    more = await consult_steps.entry(cast, sessions, "Seizure")
    async with transaction(sessions) as session:
        await session.execute(update(RecordEntry).where(RecordEntry.id == entry.id).values(title="Migraine", version=2))
    await add(sessions, cast.rural, consult, [more.id])
    assert await read(sessions, cast.specialist, consult) == ["Seizure", "Headache"]
    excerpt = await add(sessions, cast.rural, consult, [entry.id])
    assert await read(sessions, cast.specialist, consult) == ["Seizure", "Migraine", "Headache"], "beside what it said"
    assert [item.since_version for item in excerpt.items] == [2, 3, 1]


@pytest.mark.parametrize(
    "statement",
    [
        "update excerpt_item set title = 'x'",
        "insert into excerpt_item (id, excerpt_id, position, record_entry_id, record_version, resource_type,"
        " effective_at, title, author_name, organization_name, resource)"
        " select gen_random_uuid(), excerpt.id, 9, record_entry.id, 1, 'Condition', now(), 'x', '', '', '{}'"
        " from excerpt, record_entry where excerpt.version = 1",
    ],
)
async def test_an_earlier_version_cannot_be_changed(cast: Cast, sessions: Sessions, statement: str) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    await add(sessions, cast.rural, consult, [(await consult_steps.entry(cast, sessions, "Seizure")).id])
    with pytest.raises(DatabaseError, match="excerpt"):
        async with transaction(sessions) as session:
            await session.execute(text(statement))


async def test_a_colleague_who_treats_the_patient_may(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    more = await consult_steps.entry(cast, sessions, "Seizure")
    with pytest.raises(NotFound):
        await add(sessions, cast.colleague, consult, [more.id])
    await treats(cast, sessions, cast.colleague)
    await treats(cast, sessions, cast.nurse)
    await add(sessions, cast.colleague, consult, [more.id])
    assert await read(sessions, cast.specialist, consult) == ["Seizure", "Headache"]
    with pytest.raises(Forbidden):
        await add(sessions, cast.nurse, consult, [more.id])


@pytest.mark.parametrize(
    ("who", "error"),
    [("specialist", Forbidden), ("coordinator", Forbidden), ("stranger", NotFound), ("oncall", NotFound)],
)
async def test_nobody_of_another_side(cast: Cast, sessions: Sessions, who: str, error: type[Exception]) -> None:
    consult = await consult_steps.accepted(cast, sessions)
    more = await consult_steps.entry(cast, sessions, "Seizure")
    with pytest.raises(error):
        await add(sessions, getattr(cast, who), consult, [more.id])


async def test_not_in_a_draft_nor_once_it_ended(cast: Cast, sessions: Sessions) -> None:
    more = await consult_steps.entry(cast, sessions, "Seizure")
    draft = await consult_steps.drafted(cast, sessions)
    with pytest.raises(Refused):
        await add(sessions, cast.rural, draft, [more.id])
    consult = await consult_steps.submitted(cast, sessions)
    async with transaction(sessions) as session:
        await cancel_consult(session, cast.rural, consult_id=consult.id, reason="Better")
    with pytest.raises(Refused):
        await add(sessions, cast.rural, consult, [more.id])


async def test_not_without_the_consent(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    more = await consult_steps.entry(cast, sessions, "Seizure")
    async with transaction(sessions) as session:
        await session.execute(update(Consent).values(status=ConsentStatus.INACTIVE, withdrawn_at=now()))
    with pytest.raises(Refused, match="consent"):
        await add(sessions, cast.rural, consult, [more.id])


async def test_what_cannot_be_added(cast: Cast, sessions: Sessions) -> None:
    entry = await consult_steps.entry(cast, sessions)
    consult = await consult_steps.submitted(cast, sessions, [entry.id])
    async with transaction(sessions) as session:
        foreign = await file_entry(
            session,
            cast.stranger,
            patient_id=cast.strangers_patient.id,
            resource={"resourceType": "Condition"},
            title="Secret",
            effective_at=now(),
        )
    for entries in ([], [entry.id], [foreign.id], [uuid.uuid4()]):
        with pytest.raises(Invalid) as caught:
            await add(sessions, cast.rural, consult, entries)
        assert set(caught.value.fields) == {"entries"}
    assert await versions(sessions, cast.rural, consult) == [(1, 1)]


async def test_of_two_at_once_the_second_looks_again(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    first, second = [await consult_steps.entry(cast, sessions, title) for title in ("Seizure", "Fever")]
    done = await asyncio.gather(
        add(sessions, cast.rural, consult, [first.id], version=1),
        add(sessions, cast.rural, consult, [second.id], version=1),
        return_exceptions=True,
    )
    assert sorted(type(one).__name__ for one in done) == [Conflict.__name__, Excerpt.__name__]
    await add(sessions, cast.rural, consult, [first.id if isinstance(done[0], Conflict) else second.id])
    assert [number for number, _added in await versions(sessions, cast.rural, consult)] == [3, 2, 1]


async def test_it_is_audited(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    more = await consult_steps.entry(cast, sessions, "Seizure")
    await add(sessions, cast.rural, consult, [more.id])
    async with transaction(sessions) as session:
        event = await session.scalar(select(AuditEvent).where(AuditEvent.action == "excerpt-added"))
        frozen = await session.scalar(select(func.count()).where(AuditEvent.action == "excerpt-frozen"))
    assert event is not None
    assert (event.entity_id, event.detail["version"], event.detail["added"]) == (consult.id, 2, 1)
    assert frozen == 2


async def test_stopping_ends_every_version(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    await add(sessions, cast.rural, consult, [(await consult_steps.entry(cast, sessions, "Seizure")).id])
    async with transaction(sessions) as session:
        await revoke_excerpt(session, cast.rural, consult_id=consult.id, reason="Wrong patient")
    with pytest.raises(Refused):
        await read(sessions, cast.specialist, consult)
    with pytest.raises(NotFound):
        await read(sessions, cast.specialist, consult, version=1)
    assert await versions(sessions, cast.specialist, consult) == []
    assert await read(sessions, cast.rural, consult, version=1) == ["Headache"]


async def test_sharing_again_begins_with_what_is_chosen_now(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    async with transaction(sessions) as session:
        await revoke_excerpt(session, cast.rural, consult_id=consult.id, reason="Too much")
    more = await consult_steps.entry(cast, sessions, "Seizure")
    await add(sessions, cast.rural, consult, [more.id])
    assert await read(sessions, cast.specialist, consult) == ["Seizure"]
    assert await versions(sessions, cast.specialist, consult) == [(2, 1)]


async def test_all_versions_expire(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    await add(sessions, cast.rural, consult, [(await consult_steps.entry(cast, sessions, "Seizure")).id])
    async with transaction(sessions) as session:
        await let_expire(session, consult_id=consult.id, after=timedelta(seconds=-1))
        found = await session.scalars(select(Excerpt.expires_at))
        assert all(found)
    with pytest.raises(Refused):
        await read(sessions, cast.specialist, consult)


async def test_images_are_shared_by_every_later_version(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.submitted(cast, sessions)
    brought, _entry = await study_in_file(cast, sessions)
    chosen, entry = await study_in_file(cast, sessions)
    async with transaction(sessions) as session:
        await share_study(session, await consult_for(session, cast.rural, consult.id), brought)
    excerpt = await add(sessions, cast.rural, consult, [entry.id])
    late, _entry = await study_in_file(cast, sessions)
    async with transaction(sessions) as session:
        await share_study(session, await consult_for(session, cast.rural, consult.id), late)
        shared = select(ExcerptStudy.imaging_study_id).where(ExcerptStudy.excerpt_id == excerpt.id)
        assert set(await session.scalars(shared)) == {brought.id, chosen.id, late.id}
    async with transaction(sessions, cast.specialist) as session:
        seen = await consult_for(session, cast.specialist, consult.id)
        cards = await studies_of_consult(session, cast.specialist, seen)
        assert {card.study.id for card in cards} == {brought.id, chosen.id, late.id}


async def test_a_study_of_two_versions_is_looked_at_once(cast: Cast, sessions: Sessions) -> None:
    study, entry = await study_in_file(cast, sessions)
    consult = await consult_steps.submitted(cast, sessions, [entry.id])
    await add(sessions, cast.rural, consult, [(await consult_steps.entry(cast, sessions, "Seizure")).id])
    async with transaction(sessions, cast.specialist) as session:
        await open_study(session, cast.specialist, study.study_instance_uid)
    async with transaction(sessions) as session:
        assert await session.scalar(select(func.count()).select_from(ExcerptRead)) == 1
        [reading] = await readings_of(session, cast.rural, consult.id)
        assert reading.excerpt.version == 2
