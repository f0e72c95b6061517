"""Learning who an unknown patient is."""

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.errors import Forbidden, Invalid, NotFound, Refused
from teleconsult.patients.linking import links_of, undo_link
from teleconsult.patients.models import AdministrativeGender, Patient
from teleconsult.patients.queries import earlier_identities, file_of
from teleconsult.patients.registering import Identity, register_unknown, set_national_id
from teleconsult.patients.resolving import correct_identity, resolve_as_known, resolve_identity
from teleconsult.records.actions import file_entry
from tests.file_steps import timeline
from tests.people import Cast

LUC = Identity(family="Gagné", given="Luc", gender=AdministrativeGender.MALE, birth_date=date(1980, 5, 2))


@pytest.fixture
async def unknown(db: AsyncSession, cast: Cast) -> Patient:
    patient = await register_unknown(
        db, cast.rural, gender=AdministrativeGender.FEMALE, estimated_age=70, found_where="Quai"
    )
    await file_entry(
        db,
        cast.rural,
        patient_id=patient.id,
        resource={"resourceType": "Encounter"},
        title="Urgence",
        effective_at=now(),
    )
    return patient


async def test_the_true_identity_replaces_ours_and_ours_is_kept(db: AsyncSession, cast: Cast, unknown: Patient) -> None:
    before = unknown.name
    patient = await resolve_identity(db, cast.rural, patient_id=unknown.id, identity=LUC)
    assert (patient.id, patient.name, patient.is_temporary) == (unknown.id, "GAGNÉ Luc", False)
    [change] = await earlier_identities(db, patient)
    assert f"{change.before['family'].upper()} {change.before['given']}" == before
    assert change.before["found_where"] == "Quai"
    assert change.changed_by_id == cast.rural.role_id
    assert len((await timeline(db, cast.rural, patient.id)).entries) == 1
    event = await db.scalar(select(AuditEvent).where(AuditEvent.action == "identity-resolved"))
    assert event is not None and event.patient_id == patient.id


async def test_a_patient_known_here_shows_both_files(db: AsyncSession, cast: Cast, unknown: Patient) -> None:
    former_person = unknown.person_id
    patient = await resolve_as_known(db, cast.rural, patient_id=unknown.id, known_id=cast.patient.id)
    assert patient.name == cast.patient.name
    file = await file_of(db, cast.rural, patient.id)
    assert set(file.patient_ids) == {patient.id, cast.patient.id, cast.patient_elsewhere.id}
    seen_from_the_other_side = await timeline(db, cast.rural, cast.patient.id)
    assert [entry.title for entry in seen_from_the_other_side.entries] == ["Urgence"]
    [change] = await earlier_identities(db, patient)
    assert change.before["person_id"] == str(former_person)


async def test_who_was_recognised_by_mistake_is_unknown_again(db: AsyncSession, cast: Cast, unknown: Patient) -> None:
    called = unknown.name
    await resolve_as_known(db, cast.rural, patient_id=unknown.id, known_id=cast.patient.id)
    [link] = await links_of(db, cast.rural, unknown.id)
    await undo_link(db, cast.rural, link_id=link.id, reason="The brother came.")
    assert (unknown.name, unknown.is_temporary) == (called, True)
    assert (unknown.birth_date, unknown.phone, unknown.address) == (None, "", "")
    assert (unknown.gender, unknown.found_where) == (AdministrativeGender.FEMALE, "Quai")
    assert len(await earlier_identities(db, unknown)) == 2
    patient = await resolve_identity(db, cast.rural, patient_id=unknown.id, identity=LUC)
    assert patient.name == "GAGNÉ Luc"


async def test_what_was_corrected_since_the_mistake_stays(db: AsyncSession, cast: Cast, unknown: Patient) -> None:
    await resolve_as_known(db, cast.rural, patient_id=unknown.id, known_id=cast.patient.id)
    await correct_identity(db, cast.rural, patient_id=unknown.id, identity=LUC)
    [link] = await links_of(db, cast.rural, unknown.id)
    await undo_link(db, cast.rural, link_id=link.id, reason="The brother came.")
    assert (unknown.name, unknown.is_temporary) == ("GAGNÉ Luc", False)


async def test_the_national_number_links_elsewhere(db: AsyncSession, cast: Cast, unknown: Patient) -> None:
    await set_national_id(db, cast.patient_elsewhere, "BELR51531414")
    await db.flush()
    rose = Identity(
        family="Bélanger",
        given="Rose",
        gender=AdministrativeGender.FEMALE,
        birth_date=date(1951, 3, 14),
        national_id="BELR 5153 1414",
    )
    patient = await resolve_identity(db, cast.rural, patient_id=unknown.id, identity=rose)
    assert patient.person_id == cast.patient_elsewhere.person_id


async def test_an_identity_is_resolved_once(db: AsyncSession, cast: Cast, unknown: Patient) -> None:
    await resolve_identity(db, cast.rural, patient_id=unknown.id, identity=LUC)
    with pytest.raises(Refused):
        await resolve_identity(db, cast.rural, patient_id=unknown.id, identity=LUC)
    with pytest.raises(Refused):
        await resolve_as_known(db, cast.rural, patient_id=unknown.id, known_id=cast.patient.id)


async def test_only_who_treats_the_patient_resolves(db: AsyncSession, cast: Cast, unknown: Patient) -> None:
    with pytest.raises(Forbidden):
        await resolve_identity(db, cast.colleague, patient_id=unknown.id, identity=LUC)
    for actor in (cast.stranger, cast.coordinator):
        with pytest.raises(NotFound):
            await resolve_identity(db, actor, patient_id=unknown.id, identity=LUC)


async def test_an_unknown_patient_is_not_another_unknown_one(db: AsyncSession, cast: Cast, unknown: Patient) -> None:
    other = await register_unknown(db, cast.rural, gender=AdministrativeGender.FEMALE)
    for known_id in (unknown.id, other.id):
        with pytest.raises(Invalid):
            await resolve_as_known(db, cast.rural, patient_id=unknown.id, known_id=known_id)
    with pytest.raises(NotFound):
        await resolve_as_known(db, cast.rural, patient_id=unknown.id, known_id=cast.strangers_patient.id)


async def test_a_link_that_exists_is_not_broken_by_the_way(db: AsyncSession, cast: Cast, unknown: Patient) -> None:
    cast.strangers_patient = await db.merge(cast.strangers_patient)
    cast.strangers_patient.person_id = unknown.person_id
    await db.flush()
    with pytest.raises(Refused):
        await resolve_as_known(db, cast.rural, patient_id=unknown.id, known_id=cast.patient.id)


async def test_an_incomplete_identity_changes_nothing(db: AsyncSession, cast: Cast, unknown: Patient) -> None:
    with pytest.raises(Invalid):
        await resolve_identity(
            db,
            cast.rural,
            patient_id=unknown.id,
            identity=Identity(family="", given="Luc", gender=AdministrativeGender.MALE),
        )
    assert unknown.is_temporary
    assert await earlier_identities(db, unknown) == []


async def test_a_year_that_was_guessed_is_no_year_of_birth(db: AsyncSession, cast: Cast, unknown: Patient) -> None:
    guess = unknown.estimated_birth_year
    assert guess is not None and unknown.birth_year is None
    patient = await resolve_identity(db, cast.rural, patient_id=unknown.id, identity=replace(LUC, birth_date=None))
    assert (patient.birth_year, patient.estimated_birth_year) == (None, None)
    [change] = await earlier_identities(db, patient)
    assert change.before["estimated_birth_year"] == guess
    in_1951 = replace(LUC, birth_date=None, birth_year=1951)
    patient = await correct_identity(db, cast.rural, patient_id=unknown.id, identity=in_1951)
    assert patient.birth_year == 1951
