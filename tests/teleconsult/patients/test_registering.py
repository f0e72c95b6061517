"""Registering patients, with and without a name."""

import asyncio
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.errors import Invalid, NotFound
from teleconsult.patients.models import AdministrativeGender, Patient
from teleconsult.patients.queries import file_of, identifiers_of
from teleconsult.patients.registering import Identity, LooksLike, register_patient, register_unknown, set_national_id
from tests.people import Cast


def identity(**traits: Any) -> Identity:
    known = {"family": "Gagné", "given": "Luc", "gender": AdministrativeGender.MALE, "birth_date": date(1980, 5, 2)}
    return Identity(**{**known, **traits})


ROSE = {
    "family": "Belanger",
    "given": "ROSE",
    "gender": AdministrativeGender.FEMALE,
    "birth_date": date(1951, 3, 14),
}


async def test_a_registered_patient_is_treated_by_who_registered(db: AsyncSession, cast: Cast) -> None:
    patient = await register_patient(db, cast.rural, identity=identity(family=" Gagné ", national_id="gagl 8005 0211"))
    assert (patient.family, patient.family_folded, patient.organization_id) == (
        "Gagné",
        "gagne",
        cast.rural.organization_id,
    )
    assert patient.local_number.isdecimal()
    assert [row.value for row in await identifiers_of(db, patient)] == ["GAGL80050211"]
    assert (await file_of(db, cast.rural, patient.id)).patient_ids == [patient.id]
    actions = set(await db.scalars(select(AuditEvent.action).where(AuditEvent.patient_id == patient.id)))
    assert actions == {"care-relation-opened", "patient-registered"}


@pytest.mark.parametrize(
    ("traits", "field"),
    [
        ({"family": " "}, "family"),
        ({"family": "…"}, "family"),
        ({"given": ""}, "given"),
        ({"family": "x" * 121}, "family"),
        ({"address": "x" * 501}, "address"),
        ({"birth_date": date(1850, 1, 1)}, "birth_date"),
        ({"birth_date": now().date() + timedelta(days=2)}, "birth_date"),
    ],
)
async def test_an_incomplete_identity_is_refused(
    db: AsyncSession, cast: Cast, traits: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await register_patient(db, cast.rural, identity=identity(**traits))
    assert set(refused.value.fields) == {field}


async def test_a_local_number_is_given_once(db: AsyncSession, cast: Cast) -> None:
    await register_patient(db, cast.rural, identity=identity(local_number="A-1"))
    with pytest.raises(Invalid) as refused:
        await register_patient(db, cast.rural, identity=identity(family="Roy", local_number="A-1"))
    assert set(refused.value.fields) == {"local_number"}
    await register_patient(db, cast.stranger, identity=identity(local_number="A-1"))


async def test_a_look_alike_is_asked_about(db: AsyncSession, cast: Cast) -> None:
    for traits in (ROSE, {**ROSE, "family": "Rose", "given": "Bélanger"}):
        with pytest.raises(LooksLike) as asked:
            await register_patient(db, cast.rural, identity=Identity(**traits))
        assert [patient.id for patient in asked.value.patients] == [cast.patient.id]
    patient = await register_patient(db, cast.rural, identity=Identity(**ROSE), is_someone_else=True)
    assert patient.person_id != cast.patient.person_id


async def test_nobody_learns_of_other_establishments_look_alikes(db: AsyncSession, cast: Cast) -> None:
    await register_patient(db, cast.stranger, identity=Identity(**ROSE))


async def test_the_same_form_twice_at_once_registers_once(sessions: Sessions, cast: Cast) -> None:
    async def register() -> bool:
        try:
            async with transaction(sessions) as session:
                await register_patient(session, cast.rural, identity=identity())
        except LooksLike:
            return False
        return True

    assert sorted(await asyncio.gather(*(register() for _ in range(4)))) == [False, False, False, True]


async def test_the_national_number_links_what_other_establishments_know(db: AsyncSession, cast: Cast) -> None:
    await set_national_id(db, cast.patient_elsewhere, "BELR 5153 1414")
    await db.flush()
    rose = Identity(**ROSE, national_id="belr51531414")
    patient = await register_patient(db, cast.rural, identity=rose, is_someone_else=True)
    assert patient.person_id == cast.patient.person_id
    stranger = await register_patient(db, cast.stranger, identity=rose)
    assert stranger.person_id != cast.patient.person_id


async def test_the_number_alone_links_nobody(db: AsyncSession, cast: Cast) -> None:
    await set_national_id(db, cast.patient_elsewhere, "BELR 5153 1414")
    await db.flush()
    for traits in ({"family": "Roy"}, {"birth_date": date(1951, 3, 15)}, {"birth_date": None}):
        identity = Identity(**{**ROSE, **traits}, national_id="BELR51531414")
        patient = await register_patient(db, cast.rural, identity=identity, is_someone_else=True)
        assert patient.person_id != cast.patient.person_id


async def test_an_unknown_person_gets_a_name_of_ours(db: AsyncSession, cast: Cast) -> None:
    patient = await register_unknown(
        db, cast.rural, gender=AdministrativeGender.MALE, estimated_age=40, found_where=" Route 138, km 12 "
    )
    assert patient.is_temporary
    assert patient.name.startswith("INCONNU Homme 20")
    assert patient.estimated_birth_year == now().year - 40
    assert patient.found_where == "Route 138, km 12"
    assert await file_of(db, cast.rural, patient.id)
    actions = set(await db.scalars(select(AuditEvent.action).where(AuditEvent.patient_id == patient.id)))
    assert "unknown-patient-registered" in actions


async def test_two_unknown_people_in_one_minute_stay_two(db: AsyncSession, cast: Cast) -> None:
    for _ in range(2):
        await register_unknown(db, cast.rural, gender=AdministrativeGender.UNKNOWN)
    assert await db.scalar(select(func.count(Patient.id)).where(Patient.is_temporary)) == 2


async def test_an_age_nobody_has_is_refused(db: AsyncSession, cast: Cast) -> None:
    for age in (-1, 131):
        with pytest.raises(Invalid):
            await register_unknown(db, cast.rural, gender=AdministrativeGender.FEMALE, estimated_age=age)


async def test_roles_that_treat_nobody_register_nobody(db: AsyncSession, cast: Cast) -> None:
    for actor in (cast.coordinator, cast.admin):
        with pytest.raises(NotFound):
            await register_patient(db, actor, identity=identity())
        with pytest.raises(NotFound):
            await register_unknown(db, actor, gender=AdministrativeGender.MALE)
