"""Merging two patients of one establishment, and parting them again."""

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from teleconsult.clock import now
from teleconsult.consults.drafting import start_draft
from teleconsult.consults.models import ServiceRequest
from teleconsult.db import Sessions, transaction
from teleconsult.errors import Forbidden, Invalid, NotFound, Refused, StepUpNeeded
from teleconsult.excerpts.freezing import digest_of
from teleconsult.excerpts.models import Excerpt
from teleconsult.patients.linking import added_since, undo_link
from teleconsult.patients.links import LinkBasis, PatientLink
from teleconsult.patients.matching import link_patients
from teleconsult.patients.merging import merge_patients, merged_into
from teleconsult.patients.models import AdministrativeGender, Patient
from teleconsult.patients.queries import file_of
from teleconsult.patients.registering import register_unknown
from teleconsult.records.actions import file_entry
from teleconsult.records.models import RecordEntry
from tests import consult_steps
from tests.people import Cast
from tests.teleconsult.patients.steps import fresh, provincial_doctor, registered

WHY = "Registered twice at the desk."


@pytest.fixture
async def two(db: AsyncSession, cast: Cast) -> tuple[Patient, Patient]:
    """One registered twice."""
    return await registered(db, cast.rural), await registered(db, cast.rural, given="Luc-André")


async def test_the_files_are_read_together_and_nothing_moves(
    db: AsyncSession, cast: Cast, two: tuple[Patient, Patient]
) -> None:
    kept, merged = two
    entries = [await _entry(db, cast, patient) for patient in two]
    link = await merge_patients(db, fresh(cast.rural), merged_id=merged.id, kept_id=kept.id, reason=WHY)
    for patient in two:
        assert set((await file_of(db, cast.rural, patient.id)).patient_ids) == {kept.id, merged.id}
    assert await merged_into(db, cast.rural, [kept.id, merged.id]) == {merged.id: kept}
    assert [entry.patient_id for entry in entries] == [kept.id, merged.id]
    await _entry(db, cast, merged)
    await start_draft(db, cast.rural, patient_id=kept.id)
    await undo_link(db, fresh(cast.rural), link_id=link.id, reason="Two brothers.")
    assert {(one.patient_id, one.kind) for one in await added_since(db, link)} == {
        (merged.id, "Observation"),
        (kept.id, "ServiceRequest"),
    }
    assert set((await file_of(db, cast.rural, kept.id)).patient_ids) == {kept.id}
    assert await merged_into(db, cast.rural, [merged.id]) == {}


async def test_it_wants_a_fresh_factor_and_a_reason(db: AsyncSession, cast: Cast, two: tuple[Patient, Patient]) -> None:
    kept, merged = two
    with pytest.raises(StepUpNeeded):
        await merge_patients(db, cast.rural, merged_id=merged.id, kept_id=kept.id, reason=WHY)
    with pytest.raises(Invalid):
        await merge_patients(db, fresh(cast.rural), merged_id=merged.id, kept_id=kept.id, reason=" ")
    link = await merge_patients(db, fresh(cast.rural), merged_id=merged.id, kept_id=kept.id, reason=WHY)
    with pytest.raises(StepUpNeeded):
        await undo_link(db, cast.rural, link_id=link.id, reason=WHY)


async def test_only_patients_of_the_house_by_who_may_write_their_identity(
    db: AsyncSession, cast: Cast, two: tuple[Patient, Patient]
) -> None:
    kept, merged = two
    with pytest.raises(Forbidden):
        await merge_patients(db, fresh(cast.colleague), merged_id=merged.id, kept_id=kept.id, reason=WHY)
    for actor in (cast.stranger, cast.coordinator, cast.admin):
        with pytest.raises(NotFound):
            await merge_patients(db, fresh(actor), merged_id=merged.id, kept_id=kept.id, reason=WHY)
    for other in (cast.strangers_patient, cast.patient_elsewhere):
        with pytest.raises(NotFound):
            await merge_patients(db, fresh(cast.rural), merged_id=merged.id, kept_id=other.id, reason=WHY)
    await merge_patients(db, fresh(cast.secretary), merged_id=merged.id, kept_id=kept.id, reason=WHY)


async def test_one_is_merged_once_and_never_in_a_circle(
    db: AsyncSession, cast: Cast, two: tuple[Patient, Patient]
) -> None:
    kept, merged = two
    third = await registered(db, cast.rural, family="Roy")
    with pytest.raises(Invalid):
        await merge_patients(db, fresh(cast.rural), merged_id=kept.id, kept_id=kept.id, reason=WHY)
    await merge_patients(db, fresh(cast.rural), merged_id=merged.id, kept_id=kept.id, reason=WHY)
    for merged_id, kept_id in ((merged.id, third.id), (merged.id, kept.id), (kept.id, merged.id)):
        with pytest.raises(Refused):
            await merge_patients(db, fresh(cast.rural), merged_id=merged_id, kept_id=kept_id, reason=WHY)
    await merge_patients(db, fresh(cast.rural), merged_id=kept.id, kept_id=third.id, reason=WHY)
    assert merged.person_id == third.person_id


async def test_what_was_frozen_says_who_the_patient_was(sessions: Sessions, cast: Cast) -> None:
    await consult_steps.submitted(cast, sessions)
    async with transaction(sessions) as session:
        before = (await session.scalars(select(Excerpt).options(selectinload(Excerpt.items)))).one()
        kept = await registered(session, cast.rural, family="Bélanger", given="Rose-Marie")
        await merge_patients(session, fresh(cast.rural), merged_id=cast.patient.id, kept_id=kept.id, reason=WHY)
        await session.refresh(before)
        assert (before.patient["family"], before.patient["given"]) == ("Bélanger", "Rose")
        assert digest_of(before.patient, before.items) == before.digest
        consult = (await session.scalars(select(ServiceRequest))).one()
        assert consult.patient_id == cast.patient.id


async def test_two_at_once_make_no_circle(sessions: Sessions, cast: Cast) -> None:
    async with transaction(sessions) as session:
        one, other = await registered(session, cast.rural), await registered(session, cast.rural, family="Roy")

    async def merge(merged: Patient, kept: Patient) -> bool:
        try:
            async with transaction(sessions, cast.secretary) as session:
                await merge_patients(session, fresh(cast.secretary), merged_id=merged.id, kept_id=kept.id, reason=WHY)
        except Refused:
            return False
        return True

    assert sorted(await asyncio.gather(merge(one, other), merge(other, one))) == [False, True]


async def test_nobody_unknown_is_merged(db: AsyncSession, cast: Cast, two: tuple[Patient, Patient]) -> None:
    unknown = await register_unknown(db, cast.rural, gender=AdministrativeGender.MALE)
    with pytest.raises(Refused):
        await merge_patients(db, fresh(cast.rural), merged_id=unknown.id, kept_id=two[0].id, reason=WHY)


# the first four are the house's, two are the provincial hospital's
pairs = st.sampled_from([(one, other) for one in range(4) for other in range(6) if one != other])
steps = st.lists(st.tuples(st.sampled_from(["merge", "link", "merge", "link", "undo"]), pairs), min_size=2, max_size=12)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=steps, order=st.randoms(use_true_random=False))
async def test_whatever_is_linked_merged_and_parted_ends_where_it_began(
    sessions: Sessions, cast: Cast, steps: list[tuple[str, tuple[int, int]]], order: object
) -> None:
    """When all is undone, in whatever order, each is whom they were; no entry ever changes its patient."""
    async with transaction(sessions) as session:
        provincial = await provincial_doctor(session, cast)
        patients = [await registered(session, cast.rural) for _ in range(4)]
        patients += [await registered(session, provincial) for _ in range(2)]
        for patient in patients:
            await _entry(session, cast, patient)
    ids = [patient.id for patient in patients]
    began = await _state(sessions, ids)
    made: list[PatientLink] = []
    async with transaction(sessions, cast.secretary) as session:
        for kind, (first, second) in steps:
            if kind == "undo" and made:
                await _undo(session, cast, made.pop(first % len(made)))
            elif kind != "undo":
                made += await _join(session, cast, kind, ids[first], ids[second])
    persons = await _state(sessions, ids)
    assert persons["owners"] == began["owners"]
    for link in made:
        assert persons["persons"][link.patient_id] == persons["persons"][link.other_id]
    order.shuffle(made)  # type: ignore[attr-defined]  # Hypothesis's own random.Random
    async with transaction(sessions, cast.secretary) as session:
        for link in made:
            await _undo(session, cast, link)
    assert await _state(sessions, ids) == began


async def _join(session: AsyncSession, cast: Cast, kind: str, one: object, other: object) -> list[PatientLink]:
    """By the secretary of the rural centre, who may; what is refused changes nothing."""
    actor = fresh(cast.secretary)
    try:
        if kind == "merge":
            return [await merge_patients(session, actor, merged_id=one, kept_id=other, reason=WHY)]  # type: ignore[arg-type]  # ids
        return [await link_patients(session, actor, patient_id=one, other_id=other, reason=WHY)]  # type: ignore[arg-type]  # ids
    except (Invalid, NotFound, Refused):
        return []


async def _undo(session: AsyncSession, cast: Cast, link: PatientLink) -> None:
    assert link.basis in (LinkBasis.MERGE, LinkBasis.DECISION)
    await undo_link(session, fresh(cast.secretary), link_id=link.id, reason=WHY)


async def _state(sessions: Sessions, ids: list[object]) -> dict[str, dict[object, object]]:
    """Who each patient is, and whose each entry."""
    async with sessions() as session:
        persons = await session.execute(select(Patient.id, Patient.person_id).where(Patient.id.in_(ids)))
        owners = await session.execute(select(RecordEntry.id, RecordEntry.patient_id))
        return {"persons": dict(persons.all()), "owners": dict(owners.all())}  # type: ignore[arg-type]  # rows of two


async def _entry(db: AsyncSession, cast: Cast, patient: Patient) -> RecordEntry:
    entry = await file_entry(
        db,
        cast.rural,
        patient_id=patient.id,
        organization_id=patient.organization_id,
        resource={"resourceType": "Observation"},
        title="Blood pressure",
        effective_at=now(),
    )
    await db.flush()
    return entry
