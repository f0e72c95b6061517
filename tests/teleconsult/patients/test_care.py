"""Who may know of a patient, and who may read the file."""

from dataclasses import replace

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.consults.queries import consult_for
from teleconsult.db import Sessions, transaction
from teleconsult.encounters.queries import encounter_for
from teleconsult.errors import Forbidden, Invalid, NotFound
from teleconsult.excerpts.queries import excerpt_for
from teleconsult.patients.care import CareReason, end_care_relation, open_care_relation, open_file
from teleconsult.patients.models import CareRelation
from teleconsult.patients.queries import file_of, patient_for
from tests import consult_steps
from tests.people import Cast


async def actions(db: AsyncSession) -> list[str]:
    await db.flush()
    return list(await db.scalars(select(AuditEvent.action).order_by(AuditEvent.recorded_at)))


async def test_identity_is_seen_within_the_establishment(db: AsyncSession, cast: Cast) -> None:
    for actor in (cast.rural, cast.colleague):
        assert (await patient_for(db, actor, cast.patient.id)).id == cast.patient.id


async def test_other_establishments_and_roles_find_nothing(db: AsyncSession, cast: Cast) -> None:
    for actor in (cast.stranger, cast.specialist, cast.coordinator, cast.admin):
        with pytest.raises(NotFound):
            await patient_for(db, actor, cast.patient.id)
        with pytest.raises(NotFound):
            await open_care_relation(db, actor, patient_id=cast.patient.id, reason=CareReason.EMERGENCY)
    local = replace(cast.coordinator, organization_id=cast.patient.organization_id)
    with pytest.raises(NotFound):
        await patient_for(db, local, cast.patient.id)


async def test_the_file_opens_with_a_care_relation(db: AsyncSession, cast: Cast) -> None:
    with pytest.raises(Forbidden):
        await file_of(db, cast.colleague, cast.patient.id)
    relation = await open_care_relation(db, cast.colleague, patient_id=cast.patient.id, reason="on-call")
    assert relation.reason == CareReason.ON_CALL
    file = await open_file(db, cast.colleague, patient_id=cast.patient.id)
    assert file.patient_ids == [cast.patient.id, cast.patient_elsewhere.id]
    assert await actions(db) == ["care-relation-opened", "file-opened", "shared-file-read"]


async def test_saying_it_twice_changes_nothing(db: AsyncSession, cast: Cast) -> None:
    first = await open_care_relation(db, cast.colleague, patient_id=cast.patient.id, reason="emergency")
    second = await open_care_relation(db, cast.colleague, patient_id=cast.patient.id, reason="follow-up")
    assert (second.id, second.reason) == (first.id, "emergency")
    assert await db.scalar(select(func.count(CareRelation.id))) == 3
    assert await actions(db) == ["care-relation-opened"]


async def test_a_reason_is_one_of_ours(db: AsyncSession, cast: Cast) -> None:
    for reason in ("", "curiosity"):
        with pytest.raises(Invalid):
            await open_care_relation(db, cast.colleague, patient_id=cast.patient.id, reason=reason)


async def test_an_ended_relation_closes_the_file(db: AsyncSession, cast: Cast) -> None:
    relation = await db.scalar(select(CareRelation).where(CareRelation.patient_id == cast.patient.id))
    assert relation is not None
    relation.ended_at = now()
    await db.flush()
    with pytest.raises(Forbidden):
        await file_of(db, cast.rural, cast.patient.id)


async def test_a_file_without_a_network_stays_within_its_walls(db: AsyncSession, cast: Cast) -> None:
    cast.patient_elsewhere = await db.merge(cast.patient_elsewhere)
    cast.patient_elsewhere.person_id = cast.strangers_patient.person_id
    await db.flush()
    file = await file_of(db, cast.stranger, cast.strangers_patient.id)
    assert file.patient_ids == [cast.strangers_patient.id]


async def test_who_stops_treating_finds_the_file_closed(db: AsyncSession, cast: Cast) -> None:
    await end_care_relation(db, cast.rural, patient_id=cast.patient.id)
    with pytest.raises(Forbidden):
        await file_of(db, cast.rural, cast.patient.id)
    with pytest.raises(Forbidden):
        await end_care_relation(db, cast.rural, patient_id=cast.patient.id)
    await open_care_relation(db, cast.rural, patient_id=cast.patient.id, reason="follow-up")
    assert await file_of(db, cast.rural, cast.patient.id)
    assert await actions(db) == ["care-relation-ended", "care-relation-opened"]


async def test_nobody_ends_what_never_was(db: AsyncSession, cast: Cast) -> None:
    for actor, error in ((cast.colleague, Forbidden), (cast.stranger, NotFound), (cast.secretary, NotFound)):
        with pytest.raises(error):
            await end_care_relation(db, actor, patient_id=cast.patient.id)
    assert await file_of(db, cast.rural, cast.patient.id)


async def test_what_was_asked_stays_but_not_what_rests_on_the_relation(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.booked(cast, sessions)
    async with transaction(sessions, cast.rural) as session:
        assert await encounter_for(session, cast.rural, consult.id)
        await end_care_relation(session, cast.rural, patient_id=cast.patient.id)
    async with transaction(sessions, cast.rural) as session:
        assert await consult_for(session, cast.rural, consult.id)
        for look in (encounter_for, excerpt_for):
            with pytest.raises(NotFound):
                await look(session, cast.rural, consult.id)
