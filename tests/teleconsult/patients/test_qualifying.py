"""How far a patient's numbers are trusted."""

import uuid
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.audit.models import AuditEvent
from teleconsult.clock import now
from teleconsult.errors import Forbidden, Invalid, NotFound, Refused
from teleconsult.patients.models import AdministrativeGender, IdentifierStatus, Patient, PatientIdentifier
from teleconsult.patients.qualifying import is_national, qualify_number, withdraw_number
from teleconsult.patients.queries import identifiers_of
from teleconsult.patients.registering import Identity
from teleconsult.patients.resolving import correct_identity
from tests.people import Cast
from tests.teleconsult.patients.steps import provincial_doctor, registered

TODAY = now().date()
SEEN = "Carte Vitale and INSi"


@pytest.fixture
async def luc(db: AsyncSession, cast: Cast) -> Patient:
    return await registered(db, cast.rural, national_id="180057505600167", birth_place="75056")


@pytest.fixture
async def number(db: AsyncSession, luc: Patient) -> PatientIdentifier:
    return (await db.scalars(select(PatientIdentifier).where(PatientIdentifier.patient_id == luc.id))).one()


async def test_a_checked_number_is_qualified(
    db: AsyncSession, cast: Cast, luc: Patient, number: PatientIdentifier
) -> None:
    assert (number.status, number.type) == (IdentifierStatus.UNVERIFIED, "NI")
    await qualify_number(db, cast.rural, number_id=number.id, source=f" {SEEN} ", issued_on=TODAY)
    assert (number.status, number.source, number.issued_on) == (IdentifierStatus.QUALIFIED, SEEN, TODAY)
    acts = await db.scalars(select(AuditEvent.action).where(AuditEvent.patient_id == luc.id))
    assert "number-qualified" in set(acts)


async def test_it_links_as_soon_as_it_is_checked(
    db: AsyncSession, cast: Cast, luc: Patient, number: PatientIdentifier
) -> None:
    doctor = await provincial_doctor(db, cast)
    elsewhere = await registered(db, doctor, national_id=number.value, birth_date=None)
    assert elsewhere.person_id != luc.person_id
    await qualify_number(db, cast.rural, number_id=number.id, source=SEEN)
    assert luc.person_id == elsewhere.person_id


@pytest.mark.parametrize(
    "trait",
    [{"birth_place": ""}, {"birth_place": "Paris"}, {"birth_date": None}, {"gender": AdministrativeGender.FEMALE}],
)
async def test_without_the_strict_traits_nothing_is_qualified(
    db: AsyncSession, cast: Cast, luc: Patient, number: PatientIdentifier, trait: dict[str, object]
) -> None:
    for name, value in trait.items():
        setattr(luc, name, value)
    with pytest.raises(Refused):
        await qualify_number(db, cast.rural, number_id=number.id, source=SEEN)
    with pytest.raises(Invalid):
        await qualify_number(db, cast.rural, number_id=number.id, source="")
    with pytest.raises(Invalid):
        tomorrow = TODAY + timedelta(days=1)
        await qualify_number(db, cast.rural, number_id=number.id, source=SEEN, issued_on=tomorrow)


async def test_corrected_traits_put_a_checked_number_in_doubt(
    db: AsyncSession, cast: Cast, luc: Patient, number: PatientIdentifier
) -> None:
    await qualify_number(db, cast.rural, number_id=number.id, source=SEEN)
    same = Identity(luc.family, luc.given, luc.gender, luc.birth_date, birth_place="75056", phone="418 555 0100")
    await correct_identity(db, cast.rural, patient_id=luc.id, identity=same)
    await db.refresh(number)
    assert number.status is IdentifierStatus.QUALIFIED
    other = Identity("Roy", luc.given, luc.gender, luc.birth_date, birth_place="75056")
    await correct_identity(db, cast.rural, patient_id=luc.id, identity=other)
    await db.refresh(number)
    assert number.status is IdentifierStatus.UNVERIFIED


async def test_another_number_of_the_same_authority_takes_its_place(
    db: AsyncSession, cast: Cast, luc: Patient, number: PatientIdentifier
) -> None:
    """The former one stays, withdrawn; written again, it stands and is to be checked anew."""
    was = {"family": luc.family, "given": luc.given, "gender": luc.gender, "birth_date": luc.birth_date}
    await correct_identity(db, cast.rural, patient_id=luc.id, identity=Identity(**was, national_id="180057505600266"))
    assert number.status is IdentifierStatus.WITHDRAWN
    numbers = {one.value: one.status for one in await identifiers_of(db, luc)}
    assert numbers == {number.value: "withdrawn", "180057505600266": "unverified"}
    await correct_identity(db, cast.rural, patient_id=luc.id, identity=Identity(**was, national_id=number.value))
    numbers = {one.value: one.status for one in await identifiers_of(db, luc)}
    assert numbers == {number.value: "unverified", "180057505600266": "withdrawn"}


async def test_a_withdrawn_number_stays_withdrawn(
    db: AsyncSession, cast: Cast, luc: Patient, number: PatientIdentifier
) -> None:
    await withdraw_number(db, cast.secretary, number_id=number.id)
    assert not is_national(number)
    with pytest.raises(Refused):
        await withdraw_number(db, cast.secretary, number_id=number.id)
    with pytest.raises(Refused):
        await qualify_number(db, cast.secretary, number_id=number.id, source=SEEN)


async def test_only_who_writes_the_identity_may(
    db: AsyncSession, cast: Cast, luc: Patient, number: PatientIdentifier
) -> None:
    for actor, refusal in ((cast.colleague, Forbidden), (cast.stranger, NotFound), (cast.admin, NotFound)):
        with pytest.raises(refusal):
            await qualify_number(db, actor, number_id=number.id, source=SEEN)
        with pytest.raises(refusal):
            await withdraw_number(db, actor, number_id=number.id)
    with pytest.raises(NotFound):
        await withdraw_number(db, cast.rural, number_id=uuid.uuid4())
