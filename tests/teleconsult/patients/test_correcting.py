"""Setting a known patient's traits right: by who treats them, or by a secretary of the house, who opens no file."""

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.audit.models import AuditEvent
from teleconsult.errors import Forbidden, Invalid, NotFound, Refused
from teleconsult.patients.models import AdministrativeGender, CareRelation
from teleconsult.patients.queries import earlier_identities, file_of, identifiers_of, patient_for
from teleconsult.patients.registering import Identity, register_patient, register_unknown
from teleconsult.patients.resolving import correct_identity, resolve_as_known, resolve_identity
from teleconsult.patients.searching import patients_in_care, search_patients
from tests.file_steps import timeline
from tests.people import Cast

RIGHT = Identity(
    family="Bélanger-Roy",
    given="Rose",
    gender=AdministrativeGender.FEMALE,
    national_id="BELR 5153 1401",
    phone="418 555",
)


@pytest.mark.parametrize("who", ["secretary", "rural"])
async def test_the_former_traits_are_kept(db: AsyncSession, cast: Cast, who: str) -> None:
    actor = getattr(cast, who)
    patient = await correct_identity(db, actor, patient_id=cast.patient.id, identity=RIGHT)
    assert (patient.family, patient.family_folded) == ("Bélanger-Roy", "belanger roy")
    assert patient.person_id == cast.patient.person_id
    (before,) = await earlier_identities(db, patient)
    assert (before.before["family"], before.changed_by_id) == ("Bélanger", actor.role_id)
    assert [one.value for one in await identifiers_of(db, patient)] == ["BELR51531401"]
    event = await db.scalar(select(AuditEvent).where(AuditEvent.action == "identity-corrected"))
    assert event is not None
    assert event.patient_id == cast.patient.id


@pytest.mark.parametrize(
    ("who", "error"),
    [
        ("colleague", Forbidden),
        ("nurse", Forbidden),
        ("coordinator", NotFound),
        ("specialist", NotFound),
        ("stranger", NotFound),
        ("privacy", NotFound),
    ],
)
async def test_nobody_else(db: AsyncSession, cast: Cast, who: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        await correct_identity(db, getattr(cast, who), patient_id=cast.patient.id, identity=RIGHT)


async def test_it_is_whole(db: AsyncSession, cast: Cast) -> None:
    with pytest.raises(Invalid):
        await correct_identity(
            db,
            cast.secretary,
            patient_id=cast.patient.id,
            identity=Identity(family="", given="Rose", gender=AdministrativeGender.FEMALE),
        )


async def test_a_secretary_registers_and_says_who_somebody_is_without_treating_them(
    db: AsyncSession, cast: Cast
) -> None:
    relations = await db.scalar(select(func.count(CareRelation.id)))
    registered = await register_patient(db, cast.secretary, identity=RIGHT)
    unknown = await register_unknown(db, cast.secretary, gender=AdministrativeGender.MALE)
    with pytest.raises(Refused):
        await correct_identity(db, cast.secretary, patient_id=unknown.id, identity=RIGHT)
    await resolve_identity(
        db, cast.secretary, patient_id=unknown.id, identity=Identity("Gagné", "Luc", AdministrativeGender.MALE)
    )
    other = await register_unknown(db, cast.secretary, gender=AdministrativeGender.FEMALE)
    await resolve_as_known(db, cast.secretary, patient_id=other.id, known_id=registered.id)
    assert await db.scalar(select(func.count(CareRelation.id))) == relations


async def test_a_secretary_finds_patients_and_opens_no_file(db: AsyncSession, cast: Cast) -> None:
    found = await search_patients(db, cast.secretary, text="belanger")
    assert [patient.id for patient in found.patients] == [cast.patient.id]
    assert await patient_for(db, cast.secretary, cast.patient.id)
    for look in (file_of, timeline):
        with pytest.raises(NotFound):
            await look(db, cast.secretary, cast.patient.id)
    with pytest.raises(NotFound):
        await patients_in_care(db, cast.secretary)
