"""Links between patients, and taking them back."""

import uuid

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.errors import Forbidden, Invalid, NotFound, Refused
from teleconsult.patients.linking import added_since, link_for, links_of, undo_link
from teleconsult.patients.links import PatientLink
from teleconsult.patients.matching import link_patients, match_identity
from teleconsult.patients.models import Patient
from teleconsult.patients.queries import file_of
from teleconsult.records.actions import file_entry
from teleconsult.records.models import RecordEntry
from tests.people import Cast
from tests.teleconsult.patients.steps import provincial_doctor, registered

WHY = "Same card, same face."
LUC = "GAGL80050211"


@pytest.fixture
async def two(db: AsyncSession, cast: Cast) -> tuple[Patient, Patient]:
    """The same traits here and at the provincial hospital."""
    elsewhere = await registered(db, await provincial_doctor(db, cast))
    return await registered(db, cast.rural), elsewhere


async def test_a_person_links_what_traits_suggest(db: AsyncSession, cast: Cast, two: tuple[Patient, Patient]) -> None:
    here, elsewhere = two
    registered_at = elsewhere.updated_at
    for actor in (cast.rural, cast.secretary):
        link = await link_patients(db, actor, patient_id=here.id, other_id=elsewhere.id, reason=WHY)
        assert here.person_id == elsewhere.person_id
        assert here.updated_at > registered_at, "another version of who they are"
        assert (link.reason, link.linked_by_id) == (WHY, actor.role_id)
        assert link.evidence == ["same-name", "same-birth-date"]
        await undo_link(db, actor, link_id=link.id, reason="They are brothers.")
        assert here.person_id == here.own_person_id != elsewhere.person_id
    assert len(await links_of(db, cast.rural, here.id)) == 2
    assert set((await file_of(db, cast.rural, here.id)).patient_ids) == {here.id}


async def test_the_other_establishment_may_part_them_too(sessions: Sessions, cast: Cast) -> None:
    """By who treats the patient there, or a secretary of theirs, as the database sees them; by nobody else of them."""
    async with transaction(sessions) as session:
        doctor, other = [await provincial_doctor(session, cast) for _ in range(2)]
        elsewhere = await registered(session, doctor)
        here = await registered(session, cast.rural)
    async with transaction(sessions, cast.rural) as session:
        link = await link_patients(session, cast.rural, patient_id=here.id, other_id=elsewhere.id, reason=WHY)
        assert set((await file_of(session, cast.rural, here.id)).patient_ids) == {here.id, elsewhere.id}
    async with transaction(sessions, other) as session:
        with pytest.raises(NotFound):
            await undo_link(session, other, link_id=link.id, reason="Not ours.")
    async with transaction(sessions, doctor) as session:
        undone = await undo_link(session, doctor, link_id=link.id, reason="They are brothers.")
        assert undone.undone_by_id == doctor.role_id
    async with transaction(sessions, cast.rural) as session:
        assert (await file_of(session, cast.rural, here.id)).patient_ids == [here.id]


async def test_whom_nothing_speaks_for_is_not_linked(
    db: AsyncSession, cast: Cast, two: tuple[Patient, Patient]
) -> None:
    here, _ = two
    for other_id in (cast.strangers_patient.id, cast.patient_elsewhere.id, here.id, uuid.uuid4()):
        with pytest.raises(NotFound):
            await link_patients(db, cast.rural, patient_id=here.id, other_id=other_id, reason=WHY)


async def test_who_may_link(db: AsyncSession, cast: Cast, two: tuple[Patient, Patient]) -> None:
    here, elsewhere = two
    with pytest.raises(Forbidden):
        await link_patients(db, cast.colleague, patient_id=here.id, other_id=elsewhere.id, reason=WHY)
    for actor in (cast.stranger, cast.coordinator, cast.admin):
        with pytest.raises(NotFound):
            await link_patients(db, actor, patient_id=here.id, other_id=elsewhere.id, reason=WHY)
    link = await link_patients(db, cast.rural, patient_id=here.id, other_id=elsewhere.id, reason=WHY)
    for actor in (cast.colleague, cast.stranger, cast.coordinator, cast.specialist):
        with pytest.raises(NotFound):
            await link_for(db, actor, link.id)


async def test_nothing_is_linked_or_parted_without_a_reason_or_twice(
    db: AsyncSession, cast: Cast, two: tuple[Patient, Patient]
) -> None:
    here, elsewhere = two
    for reason in ("", "  x ", "x" * 501):
        with pytest.raises(Invalid):
            await link_patients(db, cast.rural, patient_id=here.id, other_id=elsewhere.id, reason=reason)
    link = await link_patients(db, cast.rural, patient_id=here.id, other_id=elsewhere.id, reason=WHY)
    with pytest.raises(NotFound):
        await link_patients(db, cast.rural, patient_id=here.id, other_id=elsewhere.id, reason=WHY)
    with pytest.raises(Invalid):
        await undo_link(db, cast.rural, link_id=link.id, reason="")
    await undo_link(db, cast.rural, link_id=link.id, reason=WHY)
    with pytest.raises(Refused):
        await undo_link(db, cast.rural, link_id=link.id, reason=WHY)
    acts = list(await db.scalars(select(AuditEvent.action).where(AuditEvent.entity_id == link.id)))
    assert sorted(acts) == ["link-undone", "link-undone", "patients-linked", "patients-linked"]


async def test_what_was_parted_by_hand_is_not_linked_again_by_itself(db: AsyncSession, cast: Cast) -> None:
    elsewhere = await registered(db, await provincial_doctor(db, cast), national_id=LUC)
    here = await registered(db, cast.rural, national_id=LUC)
    [link] = await links_of(db, cast.rural, here.id)
    await undo_link(db, cast.rural, link_id=link.id, reason="They are brothers.")
    await match_identity(db, cast.rural, here)
    assert here.person_id != elsewhere.person_id


async def test_a_link_keeps_others_together_when_one_is_parted(db: AsyncSession, cast: Cast) -> None:
    """A – B – C: without the first link, B and C are still one."""
    a, b, c = [await registered(db, cast.rural) for _ in range(3)]
    first = await link_patients(db, cast.rural, patient_id=a.id, other_id=b.id, reason=WHY)
    await link_patients(db, cast.rural, patient_id=c.id, other_id=b.id, reason=WHY)
    assert a.person_id == b.person_id == c.person_id == a.own_person_id
    await undo_link(db, cast.rural, link_id=first.id, reason=WHY)
    assert a.person_id == a.own_person_id
    assert b.person_id == c.person_id == b.own_person_id


async def test_what_was_added_meanwhile_is_listed_and_stays_where_it_is(
    db: AsyncSession, cast: Cast, two: tuple[Patient, Patient]
) -> None:
    here, elsewhere = two
    await _file(db, cast, here, "Before")
    link = await link_patients(db, cast.rural, patient_id=here.id, other_id=elsewhere.id, reason=WHY)
    for patient in two:
        await _file(db, cast, patient, "Meanwhile")
    await undo_link(db, cast.secretary, link_id=link.id, reason=WHY)
    await _file(db, cast, here, "After")
    added = await added_since(db, link)
    assert {(one.patient_id, one.kind) for one in added} == {(here.id, "Observation"), (elsewhere.id, "Observation")}
    assert len(added) == 2
    owners = await db.execute(select(RecordEntry.title, RecordEntry.patient_id))
    assert sorted(tuple(row) for row in owners) == sorted(
        [("Before", here.id), ("Meanwhile", here.id), ("Meanwhile", elsewhere.id), ("After", here.id)]
    )


async def test_both_identities_are_kept_as_they_were(
    db: AsyncSession, cast: Cast, two: tuple[Patient, Patient]
) -> None:
    here, elsewhere = two
    link = await link_patients(db, cast.rural, patient_id=here.id, other_id=elsewhere.id, reason=WHY)
    here.family = "Roy"
    await db.flush()
    db.expunge(link)
    kept = await db.get_one(PatientLink, link.id)
    assert kept.identities["patient"]["family"] == kept.identities["other"]["family"] == "Gagné"
    assert kept.identities["patient"]["person_id"] == str(here.own_person_id)


async def _file(db: AsyncSession, cast: Cast, patient: Patient, title: str) -> None:
    await file_entry(
        db,
        cast.rural,
        patient_id=patient.id,
        organization_id=patient.organization_id,
        resource={"resourceType": "Observation"},
        title=title,
        effective_at=now(),
    )
    await db.flush()
