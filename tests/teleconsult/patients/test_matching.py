"""Who is whom: by number and traits together, never by one of them alone."""

from datetime import date
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.audit.models import AuditEvent
from teleconsult.db import Sessions, transaction
from teleconsult.errors import NotFound
from teleconsult.patients.links import CaseKind, IdentityCase, LinkBasis, PatientLink
from teleconsult.patients.matching import Sign, candidates_for, match_identity
from teleconsult.patients.models import AdministrativeGender, IdentifierStatus, Patient, PatientIdentifier
from teleconsult.patients.registering import Identity
from teleconsult.patients.resolving import correct_identity
from tests.people import Cast
from tests.teleconsult.patients.steps import provincial_doctor, registered

LUC = "GAGL80050211"


async def cases(db: AsyncSession) -> list[IdentityCase]:
    return list(await db.scalars(select(IdentityCase)))


async def links(db: AsyncSession) -> list[PatientLink]:
    return list(await db.scalars(select(PatientLink)))


async def test_the_same_number_and_traits_are_the_same_person(db: AsyncSession, cast: Cast) -> None:
    elsewhere = await registered(db, await provincial_doctor(db, cast), national_id=LUC)
    here = await registered(db, cast.rural, family="GAGNE", national_id="gagl 8005 0211")
    assert here.person_id == elsewhere.person_id == elsewhere.own_person_id != here.own_person_id
    [link] = await links(db)
    assert (link.patient_id, link.other_id, link.basis) == (here.id, elsewhere.id, LinkBasis.NUMBER)
    assert link.evidence == ["same-number", "same-name", "same-birth-date"]
    assert link.identities["other"]["family"] == "Gagné"
    assert link.identities["patient"]["numbers"][0]["value"] == LUC
    acts = await db.scalars(select(AuditEvent.patient_id).where(AuditEvent.action == "patients-linked"))
    assert set(acts) == {here.id, elsewhere.id}
    assert await cases(db) == []


@pytest.mark.parametrize(
    "other",
    [
        {"family": "Roy"},
        {"given": "Marc"},
        {"birth_date": date(1980, 2, 5)},
        {"birth_date": None},
    ],
)
async def test_the_same_number_with_other_traits_is_for_a_person_to_compare(
    db: AsyncSession, cast: Cast, other: dict[str, Any]
) -> None:
    elsewhere = await registered(db, await provincial_doctor(db, cast), national_id=LUC)
    here = await registered(db, cast.rural, national_id=LUC, **other)
    assert here.person_id != elsewhere.person_id
    [case] = await cases(db)
    assert (case.kind, case.patient_id, case.other_id) == (CaseKind.SAME_NUMBER, here.id, elsewhere.id)
    assert case.organization_id == cast.rural.organization_id
    await match_identity(db, cast.rural, here)
    assert len(await cases(db)) == 1, "a pair is asked about once"


async def test_a_checked_number_links_where_nothing_contradicts(db: AsyncSession, cast: Cast) -> None:
    elsewhere = await registered(db, await provincial_doctor(db, cast), national_id=LUC)
    number = (await db.scalars(select(PatientIdentifier))).one()
    number.status = IdentifierStatus.QUALIFIED
    no_date = await registered(db, cast.rural, national_id=LUC, birth_date=None)
    assert no_date.person_id == elsewhere.person_id
    other_date = await registered(db, cast.rural, national_id=LUC, birth_date=date(1981, 5, 2))
    assert other_date.person_id != elsewhere.person_id
    assert await cases(db)


async def test_a_withdrawn_number_says_nothing(db: AsyncSession, cast: Cast) -> None:
    elsewhere = await registered(db, await provincial_doctor(db, cast), national_id=LUC)
    number = (await db.scalars(select(PatientIdentifier))).one()
    number.status = IdentifierStatus.WITHDRAWN
    here = await registered(db, cast.rural, national_id=LUC)
    assert here.person_id != elsewhere.person_id


async def test_the_same_traits_with_another_number_are_for_a_person_to_compare(db: AsyncSession, cast: Cast) -> None:
    elsewhere = await registered(db, await provincial_doctor(db, cast), national_id="GAGL80050299")
    here = await registered(db, cast.rural, national_id=LUC)
    [case] = await cases(db)
    assert (case.kind, case.other_id) == (CaseKind.SAME_TRAITS, elsewhere.id)
    assert here.person_id != elsewhere.person_id


async def test_traits_alone_link_nobody_and_are_shown_with_their_reasons(db: AsyncSession, cast: Cast) -> None:
    elsewhere = await registered(db, await provincial_doctor(db, cast), phone="418 555-0100")
    near = await registered(db, cast.rural, given="Lucie", gender=AdministrativeGender.FEMALE)
    here = await registered(db, cast.rural, phone="(418) 555 0100")
    assert await links(db) == await cases(db) == []
    first, second = await candidates_for(db, cast.rural, here)
    assert (first.identity.patient_id, second.identity.patient_id) == (elsewhere.id, near.id)
    assert first.identity.organization == "Hôpital de la Côte"
    assert first.signs == (Sign.SAME_NAME, Sign.SAME_BIRTH_DATE, Sign.SAME_PHONE)
    assert second.signs == (Sign.SAME_FAMILY, Sign.SAME_BIRTH_DATE, Sign.OTHER_GENDER)


@pytest.mark.parametrize(
    ("traits", "sign"),
    [
        ({"family": "Luc", "given": "Gagné"}, Sign.SWAPPED_NAME),
        ({"family": "Roy", "used_name": "Gagné"}, Sign.USED_NAME),
        ({"given": "Luc Antoine"}, Sign.SAME_NAME),
        ({"birth_date": date(1980, 2, 5)}, Sign.NEAR_BIRTH_DATE),
        ({"birth_date": date(1981, 5, 2)}, Sign.NEAR_BIRTH_DATE),
    ],
)
async def test_what_comes_near_in_the_house_is_a_candidate(
    db: AsyncSession, cast: Cast, traits: dict[str, Any], sign: Sign
) -> None:
    known = await registered(db, cast.rural, **traits)
    here = await registered(db, cast.rural)
    [found] = await candidates_for(db, cast.rural, here)
    assert found.identity.patient_id == known.id
    assert sign in found.signs


async def test_of_other_establishments_only_the_whole_name_and_date_are_candidates(
    db: AsyncSession, cast: Cast
) -> None:
    doctor = await provincial_doctor(db, cast)
    for traits in ({"given": "Lucie"}, {"birth_date": date(1980, 2, 5)}, {"family": "Gagnon"}):
        await registered(db, doctor, **traits)
    await registered(db, cast.stranger)
    here = await registered(db, cast.rural)
    assert await candidates_for(db, cast.rural, here) == []


async def test_who_registers_nobody_is_told_of_nobody(db: AsyncSession, cast: Cast) -> None:
    for actor in (cast.coordinator, cast.admin):
        with pytest.raises(NotFound):
            await candidates_for(db, actor, await db.get_one(Patient, cast.patient.id))


async def test_who_registers_links_and_asks_behind_the_walls(sessions: Sessions, cast: Cast) -> None:
    """The same for each who registers, as the database sees them: a doctor, a nurse, a secretary."""
    async with transaction(sessions) as session:
        elsewhere = await registered(session, await provincial_doctor(session, cast), national_id=LUC)
        at_hospital = await provincial_doctor(session, cast)
    for actor in (cast.rural, cast.nurse, cast.secretary):
        async with transaction(sessions, actor) as session:
            known = await registered(session, actor, national_id=LUC)
            assert known.person_id == elsewhere.person_id
            await registered(session, actor, family="Roy", national_id=LUC)
            right = Identity("Gagné", "Luc", AdministrativeGender.MALE, date(1980, 5, 2), national_id="GAGL80050222")
            await correct_identity(session, actor, patient_id=known.id, identity=right)
            assert known.person_id == elsewhere.person_id, "a link stays until somebody parts it"
    async with transaction(sessions) as session:
        assert {case.kind for case in await cases(session)} >= {CaseKind.SAME_NUMBER}
        assert len(await links(session)) >= 3
    async with transaction(sessions, at_hospital) as session:
        here = await registered(session, at_hospital, birth_date=date(1981, 5, 2), national_id=LUC)
        assert here.person_id == here.own_person_id


async def test_who_said_that_it_is_someone_else_is_not_overruled(db: AsyncSession, cast: Cast) -> None:
    """The same number and traits twice in the house, and the second time they said it was another one."""
    first, second = [await registered(db, cast.rural, national_id=LUC) for _ in range(2)]
    assert first.person_id != second.person_id
    [case] = await cases(db)
    assert (case.kind, case.patient_id, case.other_id) == (CaseKind.SAME_NUMBER, second.id, first.id)
